//! The message of a payload.

use std::any::{Any, TypeId, type_name};
use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Display};
use std::sync::Arc;

use super::payload::dispose;
use super::{AssertUnwindSafe, catch_unwind};

/// How much of a panic's message is kept, in bytes. Enough for an assertion with both its values;
/// a panic that formats a whole request does not fill the logs.
pub const MAX_MESSAGE: usize = 1024;

/// Marks a message that was cut. It counts towards [`MAX_MESSAGE`].
const CUT: &str = "…";

/// A type that panics are thrown with, so that reports can name it.
///
/// A payload does not know the name of its type, so a report can name only the types that were
/// listed: text in its usual forms, numbers, `bool`, `char`, boxed errors, `std`'s own I/O and
/// formatting errors, and those that a guard was given.
#[derive(Clone, Copy, Debug)]
pub struct PayloadType(fn(&(dyn Any + Send)) -> Option<&'static str>);

impl PayloadType {
    /// The type `T`.
    pub fn of<T: Any>() -> Self {
        Self(|payload| payload.is::<T>().then(type_name::<T>))
    }
}

/// The message of `payload`, cut to [`MAX_MESSAGE`] bytes.
#[cold]
pub(super) fn of(payload: &(dyn Any + Send), types: &[PayloadType]) -> Box<str> {
    if let Some(text) = text(payload) {
        return cut(text);
    }
    if let Some(name) = types.iter().find_map(|known| (known.0)(payload)) {
        return format!("payload of type {name}").into();
    }
    displayed(payload).unwrap_or_else(|| unknown(payload.type_id()))
}

fn unknown(id: TypeId) -> Box<str> {
    format!("payload of an unlisted type, {id:?}").into()
}

/// The text that `payload` is, in one of the forms that text is thrown in.
pub(super) fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        Some(text)
    } else if let Some(text) = payload.downcast_ref::<String>() {
        Some(text)
    } else if let Some(text) = payload.downcast_ref::<Box<str>>() {
        Some(text)
    } else if let Some(text) = payload.downcast_ref::<Arc<str>>() {
        Some(text)
    } else {
        payload.downcast_ref::<Cow<'static, str>>().map(|text| &**text)
    }
}

/// The type of `payload` and what it displays, for the types that are likely to be thrown.
fn displayed(payload: &(dyn Any + Send)) -> Option<Box<str>> {
    macro_rules! first_of {
        ($($type:ty),* $(,)?) => {
            None$(.or_else(|| {
                let value = payload.downcast_ref::<$type>()?;
                Some(display(type_name::<$type>(), value))
            }))*
        };
    }
    first_of!(
        Box<dyn Error + Send + Sync>,
        Box<dyn Error + Send>,
        std::io::Error,
        fmt::Error,
        bool,
        char,
        i8,
        i16,
        i32,
        i64,
        i128,
        isize,
        u8,
        u16,
        u32,
        u64,
        u128,
        usize,
        f32,
        f64,
    )
    .or_else(|| payload.is::<()>().then(|| "payload of type ()".into()))
}

/// A boxed error is displayed by the user's code, which may panic.
fn display(name: &str, value: &dyn Display) -> Box<str> {
    let mut text = Bounded::default();
    let shown = catch_unwind(AssertUnwindSafe(|| {
        // Stops at the bound; the text so far is kept.
        let _ = fmt::write(&mut text, format_args!("{name}: {value}"));
    }));
    match shown {
        Ok(()) => cut(&text.0),
        Err(payload) => {
            dispose(payload);
            format!("payload of type {name}").into()
        }
    }
}

/// The `Display` of `value`, cut to [`MAX_MESSAGE`] bytes, beyond which writing fails.
///
/// # Panics
///
/// Where displaying `value` does.
pub fn message_of(value: &dyn Display) -> Box<str> {
    let mut text = Bounded::default();
    // Fails at the bound, and where the value itself fails; the text so far is kept.
    let _ = fmt::write(&mut text, format_args!("{value}"));
    cut(&text.0)
}

/// Text that takes a little more than [`MAX_MESSAGE`], so that it shows whether it must be cut.
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = (MAX_MESSAGE + 1).saturating_sub(self.0.len());
        let end = text.floor_char_boundary(room.min(text.len()));
        self.0.push_str(&text[..end]);
        if end == text.len() {
            Ok(())
        } else {
            // Makes sure that it is longer than the bound, where a character did not fit.
            self.0.push_str(CUT);
            Err(fmt::Error)
        }
    }
}

/// `text`, cut on a character boundary so that it fits into [`MAX_MESSAGE`] bytes.
pub(super) fn cut(text: &str) -> Box<str> {
    if text.len() <= MAX_MESSAGE {
        return text.into();
    }
    let end = text.floor_char_boundary(MAX_MESSAGE - CUT.len());
    [&text[..end], CUT].concat().into()
}

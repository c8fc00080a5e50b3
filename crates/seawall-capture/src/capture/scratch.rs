//! What a thread reserves for capturing.

use std::cell::Cell;
use std::panic::Location;

use crate::Record;
use crate::record::{Spare, location_text};

/// What a thread works with, so that what repeats is recorded without allocating.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) record: Record,
    pub(super) spare: Spare,
    pub(super) text: String,
    /// Where it was captured last, and that as text: repeats come from one place.
    place: Option<(&'static Location<'static>, String)>,
}

impl Scratch {
    pub(super) fn set_location(&mut self, location: &'static Location<'static>) {
        match &self.place {
            Some((last, text)) if std::ptr::eq(*last, location) => {
                self.record.set_location_text(text);
            }
            _ => {
                let text = location_text(location);
                self.record.set_location_text(&text);
                self.place = Some((location, text));
            }
        }
    }
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Runs `work` with what the thread has reserved.
pub(super) fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    // A thread that is ending keeps none.
    let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let done = work(&mut scratch);
    let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
    done
}

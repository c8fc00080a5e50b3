//! The header `traceparent` of W3C Trace Context, level 1.

use std::fmt;

/// Which span of which trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    id: u128,
    span: u64,
    flags: u8,
}

const SAMPLED: u8 = 1;

impl Trace {
    /// A new trace, which is recorded where anybody records.
    pub(super) fn new() -> Self {
        Self { id: non_zero(rand::random), span: non_zero(rand::random), flags: SAMPLED }
    }

    /// Another span in the same trace.
    pub(super) fn child(self) -> Self {
        Self { span: non_zero(rand::random), ..self }
    }

    /// Reads the header: `None` where the specification wants a new trace.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let bytes = header.as_bytes();
        let version = hex(bytes.get(0..2)?)?;
        let dashes = [2, 35, 52].iter().all(|at| bytes.get(*at) == Some(&b'-'));
        let id = hex(bytes.get(3..35)?)?;
        let span = u64::try_from(hex(bytes.get(36..52)?)?).ok()?;
        let flags = u8::try_from(hex(bytes.get(53..55)?)?).ok()?;
        // A later version may have more after another dash.
        let ends = match bytes.get(55) {
            None => true,
            Some(byte) => version != 0 && *byte == b'-',
        };
        let valid = dashes && ends && version != 0xff && id != 0 && span != 0;
        valid.then_some(Self { id, span, flags: flags & SAMPLED })
    }

    pub(super) fn trace_id(self) -> String {
        format!("{:032x}", self.id)
    }

    pub(super) fn span_id(self) -> String {
        format!("{:016x}", self.span)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.id, self.span, self.flags)
    }
}

/// Lower case alone, as the specification says.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

fn non_zero<T: Default + PartialEq>(mut draw: impl FnMut() -> T) -> T {
    loop {
        let drawn = draw();
        if drawn != T::default() {
            return drawn;
        }
    }
}

/// The most of `header` that is sent on: whole members, 32 of them and 512 characters at most. Nothing,
/// where it has other characters than the specification allows.
pub(super) fn state(header: &str) -> &str {
    const MAX_MEMBERS: usize = 32;
    const MAX_LEN: usize = 512;
    if !header.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\t') {
        return "";
    }
    let mut end = 0;
    for (at, member) in header.split(',').enumerate() {
        let next = if at == 0 { member.len() } else { end + 1 + member.len() };
        if at == MAX_MEMBERS || next > MAX_LEN {
            break;
        }
        end = next;
    }
    &header[..end]
}

//! The bytes of a spool. No file, no clock.
//!
//! A header of 16 bytes, then entries one after the other; numbers are little-endian:
//!
//! ```text
//! header: "seawall\n"  version u32  crc32 of the twelve bytes before u32
//! entry:  length of the body u32    crc32 of length and body u32    body
//! body:   operation u8 (0 put, 1 remove)  section u8  length of the key u16  key  value
//! ```
//!
//! A later entry for a key replaces an earlier one. So reading the same entry twice changes
//! nothing, and each prefix of a spool is a spool.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

/// The version that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;
pub(super) const HEADER: usize = 16;
/// How long a body is at most: far longer than a group or a digest gets.
pub(super) const MAX_BODY: usize = 16 << 20;

const MAGIC: [u8; 8] = *b"seawall\n";
/// Length and checksum, before the body.
const PREFIX: usize = 8;
/// Operation, section, length of the key.
const FIXED: usize = 4;

/// Whose entries they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Section(pub(crate) u8);

/// What a spool holds: the latest value of each key that was not removed.
pub(crate) type Image = BTreeMap<Section, Entries>;
pub(crate) type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the first bytes of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Nothing, or the beginning of a header: its writer was killed.
    Fresh,
    /// A header of this version.
    Ours,
    /// A header of a version that is not known here.
    Version(u32),
    /// Something else.
    Foreign,
}

pub(super) fn header() -> [u8; HEADER] {
    header_of(VERSION)
}

fn header_of(version: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&version.to_le_bytes());
    let crc = crc32fast::hash(&header[..12]);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    header
}

pub(super) fn read_header(from: &mut impl Read) -> io::Result<Head> {
    let mut bytes = Vec::with_capacity(HEADER);
    from.by_ref().take(HEADER as u64).read_to_end(&mut bytes)?;
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        let torn = self::header().starts_with(&bytes);
        return Ok(if torn { Head::Fresh } else { Head::Foreign });
    };
    let version = number(&header[8..]);
    Ok(match header_of(version) == *header {
        true if version == VERSION => Head::Ours,
        true => Head::Version(version),
        false => Head::Foreign,
    })
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// What was read of a spool.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) image: Image,
    /// How many bytes the entries take up.
    pub(super) whole: u64,
    /// Entries that would have made the image too large.
    pub(super) left_out: u64,
    /// How many bytes of keys and values the image holds.
    live: u64,
}

/// Reads entries up to the first that is not whole, of which at most `most` bytes are kept at a time:
/// a file that grew too large, or was made so, is no reason to run out of memory.
pub(super) fn read_entries(from: &mut impl Read, most: u64) -> io::Result<Found> {
    let mut found = Found::default();
    let mut body = Vec::new();
    loop {
        let mut prefix = [0; PREFIX];
        body.clear();
        if !fill(from, &mut prefix)? {
            break;
        }
        let (length, crc) = (number(&prefix), number(&prefix[4..]));
        if !(FIXED..=MAX_BODY).contains(&(length as usize)) {
            break;
        }
        from.by_ref().take(length.into()).read_to_end(&mut body)?;
        if body.len() < length as usize || checksum(length, &body) != crc {
            break;
        }
        let Some(()) = found.apply(&body, most) else { break };
        found.whole += (PREFIX + body.len()) as u64;
    }
    Ok(found)
}

/// Says whether there were enough bytes.
fn fill(from: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn checksum(length: u32, body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&length.to_le_bytes());
    crc.update(body);
    crc.finalize()
}

impl Found {
    fn apply(&mut self, body: &[u8], most: u64) -> Option<()> {
        let (fixed, rest) = body.split_at_checked(FIXED)?;
        let (key, value) =
            rest.split_at_checked(usize::from(u16::from_le_bytes([fixed[2], fixed[3]])))?;
        let section = self.image.entry(Section(fixed[1])).or_default();
        let size = |value: &[u8]| (key.len() + value.len()) as u64;
        match fixed[0] {
            0 | 1 => {
                let before = section.remove(key);
                self.live -= before.map_or(0, |before| size(&before));
            }
            _ => return None,
        }
        if fixed[0] == 0 && self.live + size(value) > most {
            self.left_out += 1;
        } else if fixed[0] == 0 {
            self.live += size(value);
            section.insert(key.to_vec(), value.to_vec());
        }
        Some(())
    }
}

/// Writes entries.
pub(crate) struct EntryWriter<'w> {
    to: &'w mut dyn Write,
    body: Vec<u8>,
    /// How many bytes are enough for one go.
    enough: u64,
    /// How many there may be at most.
    most: u64,
    written: Written,
    failed: Option<io::Error>,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) entries: u64,
    /// Entries that did not fit.
    pub(super) left_out: u64,
}

impl<'w> EntryWriter<'w> {
    pub(super) fn new(to: &'w mut dyn Write, enough: u64, most: u64) -> Self {
        Self { to, body: Vec::new(), enough, most, written: Written::default(), failed: None }
    }

    pub(super) fn end(self) -> io::Result<Written> {
        self.failed.map_or(Ok(self.written), Err)
    }

    /// Whether enough was written for one go.
    pub(crate) fn is_full(&self) -> bool {
        self.failed.is_some() || self.written.bytes >= self.enough
    }

    /// `key` is `value` from now on.
    pub(crate) fn put(&mut self, section: Section, key: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
        self.write(0, section, key, value);
    }

    /// There is no `key` any more.
    pub(crate) fn remove(&mut self, section: Section, key: &[u8]) {
        self.write(1, section, key, |_| {});
    }

    fn write(&mut self, op: u8, section: Section, key: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
        let key_length = u16::try_from(key.len()).unwrap_or(u16::MAX);
        self.body.clear();
        self.body.extend_from_slice(&[op, section.0]);
        self.body.extend_from_slice(&key_length.to_le_bytes());
        self.body.extend_from_slice(&key[..usize::from(key_length)]);
        value(&mut self.body);
        let bytes = (PREFIX + self.body.len()) as u64;
        let length = u32::try_from(self.body.len()).unwrap_or(u32::MAX);
        let fits = self.body.len() <= MAX_BODY && bytes <= self.most - self.written.bytes;
        if self.failed.is_some() || !fits {
            self.written.left_out += 1;
            return;
        }
        let written = self
            .to
            .write_all(&length.to_le_bytes())
            .and_then(|()| self.to.write_all(&checksum(length, &self.body).to_le_bytes()))
            .and_then(|()| self.to.write_all(&self.body));
        match written {
            Ok(()) => {
                self.written.bytes += bytes;
                self.written.entries += 1;
            }
            Err(error) => self.failed = Some(error),
        }
    }
}

//! The files of a spool: the one that is appended to, the one that replaces it, the lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::SpoolError;
use super::format::{
    EntryWriter, Found, HEADER, Head, VERSION, Written, header, read_entries, read_header,
};

/// Where the files of a spool are.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) spool: PathBuf,
    /// What becomes the spool when it is complete.
    next: PathBuf,
    /// Locked while the spool is open. The spool itself can't be locked: it is replaced.
    lock: PathBuf,
}

impl Paths {
    pub(super) fn of(spool: PathBuf) -> Self {
        let with_suffix = |suffix: &str| {
            let mut path = spool.clone().into_os_string();
            path.push(suffix);
            PathBuf::from(path)
        };
        Self { next: with_suffix(".next"), lock: with_suffix(".lock"), spool }
    }

    /// Locks the spool against other processes, and against a second opening in this one.
    pub(super) fn lock(&self) -> Result<Lock, SpoolError> {
        // Create or open, never both in one call: that would create the target of a dangling link.
        let file = match writable().create_new(true).open(&self.lock) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                writable().open(&self.lock)
            }
            made => made,
        };
        let file = file.map_err(SpoolError::io)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(SpoolError::Locked),
            // Some file systems have no locks.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Lock(file))
            }
            Err(TryLockError::Error(error)) => Err(SpoolError::io(error)),
        }
    }

    /// How long the spool is now; 0 if there is none.
    pub(super) fn length(&self) -> io::Result<u64> {
        match fs::metadata(&self.spool) {
            Ok(file) => Ok(file.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Reads what there is. Gives the length of what is whole, and of the file; `None` where there
    /// is none yet. Changes nothing.
    pub(super) fn read(&self, most: u64) -> Result<(Found, Option<u64>), SpoolError> {
        // Opening a pipe waits for somebody who writes to it.
        if fs::metadata(&self.spool).is_ok_and(|spool| !spool.is_file() && !spool.is_dir()) {
            return Err(SpoolError::NotASpool);
        }
        let file = match File::open(&self.spool) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Found::default(), None));
            }
            Err(error) => return Err(SpoolError::io(error)),
        };
        let length = file.metadata().map_err(SpoolError::io)?.len();
        let mut file = BufReader::with_capacity(1 << 16, file);
        match read_header(&mut file).map_err(SpoolError::io)? {
            Head::Fresh => Ok((Found::default(), None)),
            Head::Foreign => Err(SpoolError::NotASpool),
            Head::Version(found) => Err(SpoolError::Version { found, known: VERSION }),
            Head::Ours => {
                let mut found = read_entries(&mut file, most).map_err(SpoolError::io)?;
                found.whole += HEADER as u64;
                Ok((found, Some(length)))
            }
        }
    }
}

/// That nobody else has the spool open.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that this process is just starting has it open as
        // well, for a moment.
        let _ = self.0.unlock();
    }
}

fn writable() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
thread_local! {
    /// Which of this thread's next syncs fails; 0 if none.
    pub(super) static FAIL_SYNC: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Every sync goes through here, so that tests see what follows from one that fails.
fn sync(with: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    #[cfg(test)]
    match FAIL_SYNC.get() {
        0 => {}
        left => {
            FAIL_SYNC.set(left - 1);
            if left == 1 {
                return Err(io::Error::other("a disk that fails"));
            }
        }
    }
    with()
}

/// A file that entries are appended to.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    /// How long it is, up to the end of the last entry that was written whole.
    len: u64,
    /// Whether there may be something behind that.
    torn: bool,
}

impl Log {
    /// Opens a spool of which `whole` bytes are whole, and cuts off the rest.
    pub(super) fn open(paths: &Paths, whole: u64) -> io::Result<Self> {
        let file = writable().open(&paths.spool)?;
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            file.set_permissions(mode)?;
        }
        let mut log = Self { file, len: whole, torn: true };
        log.mend()?;
        Ok(log)
    }

    /// Makes a new spool of what `entries` writes, and puts it in the place of the old one. The old
    /// one stays as it is until the new one is complete and on disk.
    pub(super) fn replace(
        paths: &Paths,
        most: u64,
        entries: impl FnOnce(&mut EntryWriter<'_>),
    ) -> io::Result<(Self, Written)> {
        let made = Self::make(paths, most, entries);
        if made.is_err() {
            // What is left of it takes up space that may be what is missing.
            let _ = fs::remove_file(&paths.next);
        }
        let (log, written) = made?;
        fs::rename(&paths.next, &paths.spool)?;
        Ok((log, written))
    }

    fn make(
        paths: &Paths,
        most: u64,
        entries: impl FnOnce(&mut EntryWriter<'_>),
    ) -> io::Result<(Self, Written)> {
        // One that is left over may have another mode.
        let _ = fs::remove_file(&paths.next);
        let file = writable().create_new(true).open(&paths.next)?;
        let mut buffer = BufWriter::with_capacity(1 << 16, file);
        buffer.write_all(&header())?;
        let mut writer = EntryWriter::new(&mut buffer, most, most);
        entries(&mut writer);
        let written = writer.end()?;
        let file = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
        // Otherwise the new name may be on disk before what it names.
        sync(|| file.sync_all())?;
        Ok((Self { file, len: HEADER as u64 + written.bytes, torn: false }, written))
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Appends whole entries: all of them, or none that is ever read.
    pub(super) fn append(&mut self, entries: &[u8]) -> io::Result<()> {
        self.mend()?;
        self.torn = true;
        self.file.write_all(entries)?;
        self.len += entries.len() as u64;
        self.torn = false;
        Ok(())
    }

    /// Cuts off what was not written whole.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.len)?;
            self.file.seek(SeekFrom::Start(self.len))?;
            self.torn = false;
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        sync(|| self.file.sync_data())
    }
}

/// Makes the names in the folder of `path` survive a power cut.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new(".")))?;
    sync(|| folder.sync_all())
}

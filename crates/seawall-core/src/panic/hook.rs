//! The panic hook that notes where a panic came from.

use std::any::{Any, TypeId};
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use super::message;

/// How many panics of one thread are noted at a time. More than one is needed only where a panic is
/// caught while another unwinds.
const MAX_NOTES: usize = 4;

static INSTALL: Once = Once::new();
static BACKTRACES: AtomicBool = AtomicBool::new(false);

thread_local! {
    static NOTES: RefCell<VecDeque<Note>> = const { RefCell::new(VecDeque::new()) };
}

/// A panic as the hook noted it. The payload is recognised by its type and its text: it moves
/// between the hook and the catch, so its address can't identify it.
pub(super) struct Note {
    payload: TypeId,
    text: Option<Box<str>>,
    pub(super) location: Option<Box<str>>,
    pub(super) backtrace: Option<Backtrace>,
}

/// Puts a hook in front of the process's panic hook that notes where a panic came from.
///
/// Done once; calling it again does nothing. The hook that was there before, the user's or the
/// standard one, is called after it and stays in force. A hook that is set later and does not
/// call the one before it takes this one out of force: then reports have no location.
///
/// Returns whether the hook is installed: it can't be while this thread panics. The standard library
/// exchanges hooks in two steps, so don't call it while another thread sets one.
pub fn install_hook() -> bool {
    // A thread that panics must not wait here: while a hook runs none can be set, so the thread that
    // sets ours waits for that panic.
    if !std::thread::panicking() {
        INSTALL.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                note(info);
                before(info);
            }));
        });
    }
    hook_installed()
}

/// Whether [`install_hook`] was called.
pub fn hook_installed() -> bool {
    INSTALL.is_completed()
}

/// Switches the capturing of backtraces on or off, for the whole process. Off at first.
///
/// Capturing walks the stack at every panic, caught by a guard or not. It takes the
/// [hook](install_hook), and does not look at `RUST_BACKTRACE`.
pub fn capture_backtraces(on: bool) {
    BACKTRACES.store(on, Ordering::Relaxed);
}

fn note(info: &PanicHookInfo<'_>) {
    let note = Note {
        payload: info.payload().type_id(),
        // Only text: showing anything else runs the user's code, and a panic in here aborts.
        text: message::text(info.payload()).map(message::cut),
        location: info.location().map(|at| at.to_string().into()),
        backtrace: BACKTRACES.load(Ordering::Relaxed).then(Backtrace::force_capture),
    };
    // A thread that is about to end may have lost its notes, and a hook must not panic.
    let _ = NOTES.try_with(|notes| {
        if let Ok(mut notes) = notes.try_borrow_mut() {
            if notes.len() == MAX_NOTES {
                notes.pop_front();
            }
            notes.push_back(note);
        }
    });
}

/// The newest note that fits `payload`; it and those that are older than it are forgotten. While
/// another panic unwinds, the older ones are kept: one of them is its note.
pub(super) fn take_note(payload: &(dyn Any + Send)) -> Option<Note> {
    let text = message::text(payload).map(message::cut);
    NOTES
        .try_with(|notes| {
            let mut notes = notes.try_borrow_mut().ok()?;
            let fits = |note: &Note| note.payload == payload.type_id() && note.text == text;
            let found = notes.iter().rposition(fits)?;
            let oldest = if std::thread::panicking() { found } else { 0 };
            notes.drain(oldest..=found).next_back()
        })
        .ok()
        .flatten()
}

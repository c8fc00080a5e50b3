//! Which listeners run on this thread, so that none receives an event that it causes itself.

use std::cell::Cell;

use super::ListenerId;

/// How deep events may nest: a listener causes an event, whose listener causes another. Beyond that
/// an event is delivered to nobody, which bounds the stack and the work.
pub(super) const MAX_NESTED: usize = 4;

thread_local! {
    // Without a destructor, so that it can be used while a thread ends, too.
    static RUNNING: Cell<[Option<ListenerId>; MAX_NESTED]> = const { Cell::new([None; MAX_NESTED]) };
}

/// A listener that runs on this thread, until this is dropped.
pub(super) struct Running(usize);

impl Running {
    /// Notes that `listener` runs; `None` if it does already, or if too many do.
    pub(super) fn enter(listener: ListenerId) -> Option<Self> {
        let mut running = RUNNING.get();
        let place = running.iter().position(Option::is_none)?;
        if running.contains(&Some(listener)) {
            return None;
        }
        running[place] = Some(listener);
        RUNNING.set(running);
        Some(Self(place))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = RUNNING.get();
        running[self.0] = None;
        RUNNING.set(running);
    }
}

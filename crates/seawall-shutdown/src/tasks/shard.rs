//! One part of the tracked tasks, under one lock.

use std::borrow::Cow;

use tokio::task::AbortHandle;

use super::TaskCounts;
use crate::closable_count::Closed;

/// The end of the list of free slots.
const NONE: u32 = u32::MAX;

/// Slots of tasks, and their names in a list of their own: when a hundred thousand tasks end at
/// once, the memory that each touches decides how long that takes, so an end touches no name.
#[derive(Debug)]
pub(super) struct Shard {
    slots: Vec<Slot>,
    /// The name of a task that is over stays until its slot is taken again.
    names: Vec<Cow<'static, str>>,
    /// The first slot that is free.
    free: u32,
    /// New tasks are refused. A task that is there, and whose handle comes later, is aborted when it
    /// comes: the others have been.
    pub(super) closed: bool,
    /// Somebody waits for the last task to end. The waiter is woken when this shard is empty, and
    /// looks at the others itself.
    pub(super) draining: bool,
    pub(super) counts: TaskCounts,
}

#[derive(Debug)]
pub(super) enum Slot {
    /// With the next free slot.
    Free(u32),
    /// The task may run already; its handle is not here yet.
    Spawning {
        blocking: bool,
    },
    /// The task is over already; the slot is free when its handle has come.
    Over,
    Running {
        blocking: bool,
        handle: AbortHandle,
    },
}

/// A task that is still there.
pub(crate) struct Remaining {
    pub(crate) name: Cow<'static, str>,
    pub(crate) blocking: bool,
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            names: Vec::new(),
            free: NONE,
            closed: false,
            draining: false,
            counts: TaskCounts::default(),
        }
    }
}

impl Shard {
    pub(super) fn is_empty(&self) -> bool {
        self.counts.still_there() == 0
    }

    pub(super) fn occupy(
        &mut self,
        name: Cow<'static, str>,
        blocking: bool,
    ) -> Result<u32, Closed> {
        if self.closed {
            return Err(Closed);
        }
        self.counts.started += 1;
        let index = self.free;
        if let Some(slot) = self.slots.get_mut(index as usize)
            && let Slot::Free(next) = *slot
        {
            self.free = next;
            *slot = Slot::Spawning { blocking };
            self.names[index as usize] = name;
            return Ok(index);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "four thousand million tasks at once do not fit into memory"
        )]
        let index = self.slots.len() as u32;
        self.slots.push(Slot::Spawning { blocking });
        self.names.push(name);
        Ok(index)
    }

    /// Gives the handle back if its task is over or has to be aborted.
    pub(super) fn attach(&mut self, index: u32, handle: AbortHandle) -> Option<AbortHandle> {
        let slot = &mut self.slots[index as usize];
        let Slot::Spawning { blocking } = *slot else {
            self.release(index);
            return Some(handle);
        };
        let late = self.closed.then(|| handle.clone());
        *slot = Slot::Running { blocking, handle };
        late
    }

    /// The task is over. Its handle is dropped by the caller, outside the lock.
    pub(super) fn leave(&mut self, index: u32) -> Slot {
        let slot = &mut self.slots[index as usize];
        if let Slot::Spawning { .. } = slot {
            return std::mem::replace(slot, Slot::Over);
        }
        self.release(index)
    }

    fn release(&mut self, index: u32) -> Slot {
        let free = Slot::Free(std::mem::replace(&mut self.free, index));
        std::mem::replace(&mut self.slots[index as usize], free)
    }

    pub(super) fn still_there(&self) -> impl Iterator<Item = Remaining> {
        self.slots.iter().zip(&self.names).filter_map(|(slot, name)| match *slot {
            Slot::Spawning { blocking } | Slot::Running { blocking, .. } => {
                Some(Remaining { name: name.clone(), blocking })
            }
            Slot::Free(_) | Slot::Over => None,
        })
    }

    pub(super) fn handles(&self) -> Vec<AbortHandle> {
        let running = self.slots.iter().filter_map(|slot| match slot {
            Slot::Running { handle, .. } => Some(handle.clone()),
            Slot::Free(_) | Slot::Over | Slot::Spawning { .. } => None,
        });
        running.collect()
    }
}

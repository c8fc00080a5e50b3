//! Locks and queues, or those of loom.

#[cfg(not(seawall_loom))]
mod real {
    use std::sync::mpsc;

    pub(crate) use parking_lot::MutexGuard;
    pub(crate) use std::sync::atomic::AtomicU64;

    /// How often a busy lock is tried again before its caller goes another way. It is held for less
    /// than a microsecond, so most of the time this is enough.
    const TRIES: usize = 64;

    #[derive(Debug)]
    pub(crate) struct Mutex<T>(parking_lot::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(parking_lot::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock()
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            for _ in 0..TRIES {
                if let Some(guard) = self.0.try_lock() {
                    return Some(guard);
                }
                std::hint::spin_loop();
            }
            None
        }
    }

    /// A bounded queue that never blocks.
    pub(crate) fn queue<T>(places: usize) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = mpsc::sync_channel(places);
        (Sender(sender), Receiver(receiver))
    }

    #[derive(Debug)]
    pub(crate) struct Sender<T>(mpsc::SyncSender<T>);
    #[derive(Debug)]
    pub(crate) struct Receiver<T>(mpsc::Receiver<T>);

    impl<T> Sender<T> {
        /// Says whether there was room.
        pub(crate) fn send(&self, value: T) -> bool {
            self.0.try_send(value).is_ok()
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn next(&self) -> Option<T> {
            self.0.try_recv().ok()
        }
    }
}

#[cfg(seawall_loom)]
mod real {
    use std::collections::VecDeque;

    use loom::sync::Arc;
    pub(crate) use loom::sync::MutexGuard;
    pub(crate) use loom::sync::atomic::AtomicU64;

    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            match self.0.lock() {
                Ok(guard) => guard,
                Err(poisoned) => poisoned.into_inner(),
            }
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }

    /// Stands for the channel of `std`, which loom can't look into.
    pub(crate) fn queue<T>(places: usize) -> (Sender<T>, Receiver<T>) {
        let queue = Arc::new(Mutex::new(VecDeque::new()));
        (Sender(Arc::clone(&queue), places), Receiver(queue))
    }

    #[derive(Debug)]
    pub(crate) struct Sender<T>(Arc<Mutex<VecDeque<T>>>, usize);
    #[derive(Debug)]
    pub(crate) struct Receiver<T>(Arc<Mutex<VecDeque<T>>>);

    impl<T> Sender<T> {
        pub(crate) fn send(&self, value: T) -> bool {
            let mut queue = self.0.lock();
            let room = queue.len() < self.1;
            if room {
                queue.push_back(value);
            }
            room
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn next(&self) -> Option<T> {
            self.0.lock().pop_front()
        }
    }
}

pub(crate) use real::{AtomicU64, Mutex, MutexGuard, Receiver, Sender, queue};

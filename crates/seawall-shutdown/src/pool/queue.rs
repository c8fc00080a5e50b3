use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use super::PoolCounts;

/// The jobs that wait, and the workers that wait for them. Both under one lock, so a worker that
/// finds no job is in the list before the next one comes.
pub(super) struct Queue<J> {
    pub(super) jobs: VecDeque<J>,
    pub(super) closed: bool,
    /// The workers that found no job, by number. A busy worker is not in it.
    idle: Vec<(usize, Waker)>,
    /// All but the jobs that are queued.
    pub(super) counts: PoolCounts,
}

/// How a job ended.
#[derive(Clone, Copy)]
pub(super) enum End {
    Finished,
    Panicked,
    Aborted,
}

impl<J> Queue<J> {
    pub(super) fn new() -> Self {
        Self {
            jobs: VecDeque::new(),
            closed: false,
            idle: Vec::new(),
            counts: PoolCounts::default(),
        }
    }

    /// Gives the worker that has to be woken for the job.
    pub(super) fn push(&mut self, job: J) -> Option<Waker> {
        self.counts.submitted += 1;
        self.jobs.push_back(job);
        self.idle.pop().map(|(_, waker)| waker)
    }

    /// The next job for `worker`, or `None` when there will be none.
    pub(super) fn poll_next(&mut self, worker: usize, cx: &mut Context<'_>) -> Poll<Option<J>> {
        // Under the lock, as only the worker's own task can be behind its waker, and that is alive.
        self.idle.retain(|(idle, _)| *idle != worker);
        if let Some(job) = self.jobs.pop_front() {
            self.counts.running += 1;
            return Poll::Ready(Some(job));
        }
        if self.closed {
            return Poll::Ready(None);
        }
        self.idle.push((worker, cx.waker().clone()));
        Poll::Pending
    }

    pub(super) fn end(&mut self, end: End) {
        self.counts.running -= 1;
        *match end {
            End::Finished => &mut self.counts.finished,
            End::Panicked => &mut self.counts.panicked,
            End::Aborted => &mut self.counts.aborted,
        } += 1;
    }

    /// Gives the workers that have to be woken to see it.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        self.closed = true;
        std::mem::take(&mut self.idle).into_iter().map(|(_, waker)| waker).collect()
    }

    pub(super) fn take_back(&mut self) -> Vec<J> {
        self.counts.taken_back += self.jobs.len() as u64;
        self.jobs.drain(..).collect()
    }

    pub(super) fn counts(&self) -> PoolCounts {
        PoolCounts { queued: self.jobs.len() as u64, ..self.counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker may be polled without having been woken. Once it has a job, a wake for the next one would
    /// be lost on it while another is idle.
    #[test]
    fn a_worker_that_was_polled_twice_and_is_busy_is_not_woken() {
        let mut queue = Queue::new();
        let mut cx = Context::from_waker(Waker::noop());
        for worker in [2, 1, 1] {
            assert_eq!(queue.poll_next(worker, &mut cx), Poll::Pending);
        }
        assert!(queue.push("first").is_some());
        assert_eq!(queue.poll_next(1, &mut cx), Poll::Ready(Some("first")));
        assert!(queue.push("second").is_some(), "worker 2 is idle");
        assert!(queue.push("third").is_none(), "nobody is");
    }
}

//! What a server can do: a few workers and a queue in front of them.
//!
//! It is as blind as most servers are: once a request is in the queue it will be worked on, whether
//! or not its caller still waits. That is what keeps an overloaded service down long after the
//! cause is gone: it spends its time on answers for nobody.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seawall::Random;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::scenario::{Capacity, Fault};

/// A few workers and a queue in front of them. Ends with everything in it when `life` ends.
pub struct Workshop {
    workers: Semaphore,
    /// Since when each idle worker has been idle, by its own clock.
    idle_since: Mutex<Vec<Instant>>,
    room: u32,
    inside: AtomicU32,
    service_time: Duration,
    fault: watch::Receiver<Fault>,
    random: Random,
    life: CancellationToken,
    tally: Arc<Tally>,
}

/// The counts of a server, over all its lives.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests that were read.
    pub requests: AtomicU64,
    /// Answers whose caller still waited.
    pub answered: AtomicU64,
    /// Requests that were worked on after their caller had gone.
    pub for_nobody: AtomicU64,
    /// Requests that found the queue full.
    pub turned_away: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    Done,
    Broken,
    Busy,
}

impl Workshop {
    pub fn open(
        capacity: &Capacity,
        fault: watch::Receiver<Fault>,
        random: Random,
        life: CancellationToken,
        tally: Arc<Tally>,
    ) -> Arc<Self> {
        Arc::new(Self {
            workers: Semaphore::new(capacity.workers as usize),
            idle_since: Mutex::new(vec![Instant::now(); capacity.workers as usize]),
            room: capacity.workers + capacity.queue,
            inside: AtomicU32::new(0),
            service_time: capacity.service_time,
            fault,
            random,
            life,
            tally,
        })
    }

    /// Accepts a request and returns its answer, if there ever is one.
    pub async fn serve(self: Arc<Self>) -> Answer {
        self.tally.requests.fetch_add(1, Ordering::Relaxed);
        let Some(seat) = Seat::take(&self) else {
            self.awake().await;
            self.tally.turned_away.fetch_add(1, Ordering::Relaxed);
            return Answer::Busy;
        };
        let (reply, answer) = oneshot::channel();
        // A task of its own: the work goes on when the caller hangs up.
        tokio::spawn(async move {
            let life = seat.shop.life.clone();
            life.run_until_cancelled(seat.work(reply)).await
        });
        match answer.await {
            Ok(answer) => answer,
            // The process died with the request in it: its connection breaks, too.
            Err(_) => std::future::pending().await,
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hangs(&self) -> bool {
        *self.fault.borrow() == Fault::BlackHole
    }

    /// Waits while the process hangs.
    async fn awake(&self) {
        let mut fault = self.fault.clone();
        // An error means that the script is over; then nothing hangs any more.
        let _ = fault.wait_for(|&fault| fault != Fault::BlackHole).await;
    }

    fn time_for_one(&self) -> Duration {
        let factor = match *self.fault.borrow() {
            Fault::Slow { factor } => factor,
            _ => 1.0,
        };
        self.service_time.mul_f64(factor * (0.5 + self.random.unit()))
    }

    fn answer(&self) -> Answer {
        match *self.fault.borrow() {
            Fault::Errors { share } if self.random.unit() < share => Answer::Broken,
            _ => Answer::Done,
        }
    }
}

/// A place in the queue or at a worker.
struct Seat {
    shop: Arc<Workshop>,
    taken: Instant,
}

impl Seat {
    fn take(shop: &Arc<Workshop>) -> Option<Self> {
        // Relaxed: the count orders nothing but itself.
        let more = |inside| (inside < shop.room).then_some(inside + 1);
        let taken = shop.inside.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_| Self { shop: Arc::clone(shop), taken: Instant::now() })
    }

    async fn work(self, reply: oneshot::Sender<Answer>) {
        let shop = &self.shop;
        // First come, first served.
        let Ok(_worker) = shop.workers.acquire().await else { return };
        // Timers are late by a millisecond and more. A worker that began its next request only then would
        // be 5 % slower than the scenario says, which is a lot for a queue that is worked off.
        let now = Instant::now();
        let idle_since = shop.idle().pop().unwrap_or(now);
        let mut end = idle_since.max(self.taken) + shop.time_for_one();
        sleep_until(end).await;
        // A process hangs while its workers are in the middle of a request.
        if shop.hangs() {
            shop.awake().await;
            end = Instant::now();
        }
        shop.idle().push(end);
        let count = match reply.send(shop.answer()) {
            Ok(()) => &shop.tally.answered,
            Err(_) => &shop.tally.for_nobody,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shop.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{sleep, timeout};

    const CAPACITY: Capacity =
        Capacity { workers: 2, queue: 1, service_time: Duration::from_millis(100) };

    fn shop() -> (Arc<Workshop>, watch::Sender<Fault>, Arc<Tally>) {
        let (script, fault) = watch::channel(Fault::Healthy);
        let tally = Arc::new(Tally::default());
        let (random, life) = (Random::seeded(1), CancellationToken::new());
        (Workshop::open(&CAPACITY, fault, random, life, Arc::clone(&tally)), script, tally)
    }

    fn count(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn what_finds_neither_worker_nor_place_in_the_queue_is_turned_away() {
        let (shop, _script, tally) = shop();
        let calls: Vec<_> = (0..4).map(|_| tokio::spawn(Arc::clone(&shop).serve())).collect();
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.await.unwrap());
        }
        assert_eq!(answers, [Answer::Done, Answer::Done, Answer::Done, Answer::Busy]);
        assert_eq!((count(&tally.answered), count(&tally.turned_away)), (3, 1));
        assert_eq!(shop.inside.load(Ordering::Relaxed), 0);
    }

    /// A timer is over at the next whole millisecond, and requests would take half a millisecond more each.
    #[tokio::test(start_paused = true)]
    async fn workers_lose_no_time_between_requests() {
        let (script, fault) = watch::channel(Fault::Healthy);
        let capacity =
            Capacity { workers: 1, queue: 1_000, service_time: Duration::from_millis(3) };
        let (random, life) = (Random::seeded(1), CancellationToken::new());
        let shop = Workshop::open(&capacity, fault, random, life, Arc::default());
        let began = Instant::now();
        let calls: Vec<_> = (0..1_000).map(|_| tokio::spawn(Arc::clone(&shop).serve())).collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), Answer::Done);
        }
        let each = began.elapsed() / 1_000;
        assert!(
            (Duration::from_micros(2_900)..Duration::from_micros(3_100)).contains(&each),
            "{each:?}"
        );
        drop(script);
    }

    #[tokio::test(start_paused = true)]
    async fn the_work_goes_on_though_the_caller_hung_up() {
        let (shop, _script, tally) = shop();
        let gone = timeout(Duration::from_millis(10), Arc::clone(&shop).serve()).await;
        assert!(gone.is_err());
        sleep(Duration::from_secs(1)).await;
        assert_eq!((count(&tally.answered), count(&tally.for_nobody)), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_hangs_answers_nobody_until_it_wakes() {
        let (shop, script, _tally) = shop();
        script.send_replace(Fault::BlackHole);
        let calls: Vec<_> = (0..4).map(|_| tokio::spawn(Arc::clone(&shop).serve())).collect();
        sleep(Duration::from_mins(1)).await;
        assert!(calls.iter().all(|call| !call.is_finished()));
        script.send_replace(Fault::Healthy);
        for call in calls {
            call.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_worker_takes_the_factor_as_long() {
        let (shop, script, _tally) = shop();
        script.send_replace(Fault::Slow { factor: 10.0 });
        let began = Instant::now();
        Arc::clone(&shop).serve().await;
        let took = began.elapsed();
        assert!(
            (Duration::from_millis(500)..Duration::from_millis(1502)).contains(&took),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_dies_takes_its_queue_with_it() {
        let (shop, _script, tally) = shop();
        let call = tokio::spawn(Arc::clone(&shop).serve());
        sleep(Duration::from_millis(1)).await;
        shop.life.cancel();
        sleep(Duration::from_secs(1)).await;
        assert!(!call.is_finished());
        assert_eq!(shop.inside.load(Ordering::Relaxed), 0);
        assert_eq!((count(&tally.answered), count(&tally.for_nobody)), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn half_the_answers_are_errors_when_the_script_says_so() {
        let (shop, script, _tally) = shop();
        script.send_replace(Fault::Errors { share: 0.5 });
        let mut broken = 0;
        for _ in 0..1_000 {
            broken += u32::from(Arc::clone(&shop).serve().await == Answer::Broken);
        }
        assert!((450..550).contains(&broken), "{broken}");
    }
}

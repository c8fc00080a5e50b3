//! What the defaults promise, measured in virtual time with nothing but defaults: 300 calls a second
//! that arrive by chance, each answered within 5 ms by chance, and 20 seeds.

use std::time::Duration;

use seawall_breaker::{Breaker, OwnedPermit};
use seawall_core::{CircuitState, Class, Random};
use tokio::time::{Instant, advance};

const RATE: f64 = 300.0;

/// What a dependency does with a call that arrives `at` so long after the beginning: fails it with
/// this probability.
type Sickness = fn(at: Duration) -> f64;

struct Run {
    /// How often a call is tried, one attempt right after the other, each through the breaker.
    attempts: u32,
    breaker: Breaker,
    random: Random,
    sickness: Sickness,
    began: Instant,
    /// Calls under way: when the answer is there, which attempt it is, whether it will fail.
    under_way: Vec<(Instant, u32, bool, OwnedPermit)>,
    opened: Option<Duration>,
    calls: u32,
    lost: u32,
}

impl Run {
    fn new(seed: u64, attempts: u32, sickness: Sickness) -> Self {
        let random = Random::seeded(seed);
        let breaker = Breaker::builder().random(random.clone()).build().unwrap();
        Self {
            attempts,
            breaker,
            random,
            sickness,
            began: Instant::now(),
            under_way: Vec::new(),
            opened: None,
            calls: 0,
            lost: 0,
        }
    }

    fn chance(&self, of: f64) -> bool {
        self.random.unit() < of
    }

    fn attempt(&mut self, n: u32) {
        let Ok(permit) = self.breaker.try_acquire_owned() else {
            self.lost += 1;
            return;
        };
        let fails = self.chance((self.sickness)(self.began.elapsed()));
        let answer = Instant::now() + Duration::from_millis(5).mul_f64(self.random.unit());
        self.under_way.push((answer, n, fails, permit));
    }

    async fn go_to(&mut self, next: Instant) {
        loop {
            self.under_way.sort_by_key(|(answer, ..)| std::cmp::Reverse(*answer));
            match self.under_way.pop_if(|(answer, ..)| *answer <= next) {
                Some((answer, n, fails, permit)) => {
                    advance(answer.saturating_duration_since(Instant::now())).await;
                    self.answered(n, fails, permit);
                }
                None => return advance(next.saturating_duration_since(Instant::now())).await,
            }
        }
    }

    fn answered(&mut self, n: u32, fails: bool, permit: OwnedPermit) {
        if !fails {
            permit.success();
            return;
        }
        permit.failure(Class::Transient);
        if self.opened.is_none() && self.breaker.state() == CircuitState::Open {
            self.opened = Some(self.began.elapsed());
        }
        if n < self.attempts { self.attempt(n + 1) } else { self.lost += 1 }
    }

    async fn run(&mut self, length: Duration) {
        while self.began.elapsed() < length {
            let gap = -self.random.unit().max(f64::MIN_POSITIVE).ln() / RATE;
            self.go_to(Instant::now() + Duration::from_secs_f64(gap)).await;
            self.calls += 1;
            self.attempt(1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_three_in_ten_attempts_fail_retries_cope_and_the_circuit_stays_closed() {
    for seed in 0..20 {
        let mut run = Run::new(seed, 3, |_| 0.3);
        run.run(Duration::from_secs(30)).await;
        assert!(run.calls > 8_000, "{} calls", run.calls);
        assert_eq!(run.opened, None, "seed {seed}");
        assert_eq!(run.breaker.snapshot().totals.openings, 0, "seed {seed}");
        // 0.3³ = 2.7 % lose all three attempts.
        let lost = f64::from(run.lost) / f64::from(run.calls);
        assert!(lost < 0.04, "seed {seed}: {lost}");
    }
}

const HARD: Duration = Duration::from_secs(5);

async fn time_to_open(seed: u64, attempts: u32) -> Duration {
    let mut run = Run::new(seed, attempts, |at| if at < HARD { 0.01 } else { 1.0 });
    run.run(HARD + Duration::from_secs(1)).await;
    let opened = run.opened.expect("a hard failure opens the circuit");
    opened.checked_sub(HARD).expect("the circuit opens after the failure began")
}

#[tokio::test(start_paused = true)]
async fn a_hard_failure_opens_the_circuit_within_200_milliseconds() {
    for attempts in [1, 3] {
        let mut times = Vec::new();
        for seed in 0..20 {
            times.push(time_to_open(seed, attempts).await);
        }
        times.sort();
        let (median, longest) = (times[10], times[19]);
        println!("{attempts} attempts: median {median:?}, longest {longest:?}");
        assert!(longest <= Duration::from_millis(200), "{times:?}");
    }
}

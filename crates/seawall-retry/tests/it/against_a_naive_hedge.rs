//! Hedged calls against a simulation that anybody would write, which goes from one moment to the next
//! and looks at everything each time.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Attempt, Class, Error, EventKind, Lazy, Operation, Policy, StopReason};
use seawall_retry::{Budget, Hedge};
use seawall_testkit::Recorder;
use tokio::time::{Instant, sleep};

type Outcome = Result<u32, Error<u32>>;

/// An attempt: how many milliseconds it takes, and what it comes to.
#[derive(Clone, Copy, Debug)]
struct Step {
    takes: u64,
    class: Class,
}

#[derive(Clone, Copy, Debug)]
struct Config {
    delay: u64,
    max_attempts: u32,
    max_in_flight: u32,
    deadline: Option<u64>,
    said: Option<bool>,
    reserve: u32,
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

fn step() -> impl Strategy<Value = Step> {
    let class = prop_oneof![
        2 => Just(Class::Success),
        8 => Just(Class::Transient),
        1 => prop::option::of(0_u64..2)
            .prop_map(|after| Class::Overloaded { retry_after: after.map(ms) }),
        1 => Just(Class::Permanent),
        1 => Just(Class::Ignored),
        1 => Just(Class::Cancelled),
        1 => Just(Class::Panicked),
    ];
    (prop_oneof![Just(0), 0_u64..12], class).prop_map(|(takes, class)| Step { takes, class })
}

fn config() -> impl Strategy<Value = Config> {
    (
        (0_u64..8, 1_u32..6, 1_u32..4),
        (prop::option::of(1_u64..20), prop::option::of(any::<bool>()), 0_u32..6),
    )
        .prop_map(|((delay, max_attempts, max_in_flight), (deadline, said, reserve))| Config {
            delay,
            max_attempts,
            max_in_flight,
            deadline,
            said,
            reserve,
        })
}

fn outcome(step: Step, number: u32) -> Outcome {
    match step.class {
        Class::Success => Ok(number),
        class => Err(Error::operation_failed(number, class)),
    }
}

/// What is seen of a call from outside.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    /// When each attempt was launched.
    launched: Vec<u64>,
    told: Vec<String>,
    ended: u64,
    why: Option<StopReason>,
    last: String,
    history: Vec<String>,
    left: u32,
}

/// The simulation.
struct Naive<'s> {
    config: Config,
    script: &'s [Step],
    now: u64,
    /// Those under way, the primary first: number and end.
    under_way: Vec<(u32, u64)>,
    failed: Vec<(u32, Class)>,
    /// When the next is launched, if nothing comes of those before.
    timer: Option<u64>,
    due: bool,
    stopped: Option<StopReason>,
    seen: Seen,
}

impl<'s> Naive<'s> {
    fn call(config: Config, script: &'s [Step]) -> Seen {
        let seen = Seen { left: config.reserve, ..Seen::default() };
        let stopped = (config.said == Some(false)).then_some(StopReason::Permanent);
        let (under_way, failed) = (Vec::new(), Vec::new());
        let (timer, due, now) = (None, false, 0);
        let mut it = Naive { config, script, now, under_way, failed, timer, due, stopped, seen };
        it.launch();
        loop {
            if let Some(number) = it.answer() {
                return it.end(number);
            }
            if it.launches() {
                continue;
            }
            if it.under_way.is_empty() {
                return it.end(1);
            }
            let ends = it.under_way.iter().map(|&(_, end)| end);
            it.now = ends.chain(it.timer).filter(|&at| at > it.now).min().unwrap();
        }
    }

    fn launch(&mut self) {
        let number = u32::try_from(self.seen.launched.len()).unwrap() + 1;
        self.seen.launched.push(self.now);
        self.under_way.push((number, self.now + self.step(number).takes));
        self.due = false;
        self.timer = Some(self.now + self.config.delay);
    }

    fn step(&self, number: u32) -> Step {
        self.script[(number as usize - 1).min(self.script.len() - 1)]
    }

    /// An attempt that ends the call; those that fail are put aside.
    fn answer(&mut self) -> Option<u32> {
        let mut index = 0;
        while let Some(&(number, end)) = self.under_way.get(index) {
            if end > self.now {
                index += 1;
                continue;
            }
            self.under_way.remove(index);
            let class = self.step(number).class;
            if matches!(class, Class::Success | Class::Permanent) {
                return Some(number);
            }
            self.due |= class.is_retryable();
            if class.retry_after() == Some(ms(1)) {
                self.stopped = self.stopped.or(Some(StopReason::Permanent));
            }
            self.failed.push((number, class));
        }
        None
    }

    fn launches(&mut self) -> bool {
        let launched = u32::try_from(self.seen.launched.len()).unwrap();
        let in_flight = u32::try_from(self.under_way.len()).unwrap();
        let may = self.stopped.is_none()
            && launched < self.config.max_attempts
            && in_flight < self.config.max_in_flight;
        let time = in_flight > 0 && self.timer.is_some_and(|timer| timer <= self.now);
        if !may || !(self.due || time) {
            return false;
        }
        if self.config.deadline.is_some_and(|deadline| deadline <= self.now) {
            self.stopped = Some(StopReason::Deadline);
        } else if self.seen.left == 0 {
            self.stopped = Some(StopReason::Budget);
        } else {
            self.seen.left -= 1;
            self.seen.told.push(EventKind::hedged(launched + 1).to_string());
            self.launch();
            return true;
        }
        false
    }

    /// Ends with what attempt `number` came to.
    fn end(mut self, number: u32) -> Seen {
        let class = self.step(number).class;
        let launched = u32::try_from(self.seen.launched.len()).unwrap();
        let why = match class {
            Class::Success => None,
            Class::Permanent => (launched > 1).then_some(StopReason::Permanent),
            _ => {
                let rest = if self.due { StopReason::Attempts } else { StopReason::Permanent };
                let why = self.stopped.unwrap_or(rest);
                let silent = matches!(why, StopReason::Permanent | StopReason::Attempts);
                (launched > 1 || !silent).then_some(why)
            }
        };
        if let Some(why) = why {
            self.seen.told.push(EventKind::gave_up(launched, why, class).to_string());
            let (primary, others): (Vec<_>, Vec<_>) =
                self.failed.iter().filter(|it| it.0 != number).partition(|it| it.0 == 1);
            let history = primary.into_iter().chain(others);
            self.seen.history = history.map(|(number, _)| number.to_string()).collect();
        }
        let last = format!("{:?}", outcome(self.step(number), number));
        Seen { why, last, ended: self.now, ..self.seen }
    }
}

/// The operation that does as the script says.
struct Scripted<'s> {
    script: &'s [Step],
    epoch: Instant,
    launched: &'s RefCell<Vec<u64>>,
    running: &'s Cell<u32>,
}

struct Running<'s>(&'s Cell<u32>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl<'s> Operation for Scripted<'s> {
    type Output = u32;
    type Error = u32;
    type Future = Pin<Box<dyn Future<Output = Outcome> + 's>>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        let number = attempt.number();
        let step = self.script[(number as usize - 1).min(self.script.len() - 1)];
        self.launched.borrow_mut().push(millis(self.epoch.elapsed()));
        self.running.set(self.running.get() + 1);
        let running = Running(self.running);
        Box::pin(async move {
            let _running = running;
            if step.takes > 0 {
                sleep(ms(step.takes)).await;
            }
            outcome(step, number)
        })
    }
}

async fn call(config: Config, script: &[Step]) -> Seen {
    let reserve = config.reserve.into();
    let budget = Budget::builder().deposit(0.0).reserve(reserve).build().unwrap();
    let hedge = Hedge::builder()
        .delay(ms(config.delay))
        .max_attempts(config.max_attempts)
        .max_in_flight(config.max_in_flight)
        .budget(&budget)
        .build()
        .unwrap();
    let recorder = Recorder::default();
    hedge.listeners().add(recorder.clone());
    let (launched, running) = (RefCell::new(Vec::new()), Cell::new(0));
    let epoch = Instant::now();
    let operation = Scripted { script, epoch, launched: &launched, running: &running };
    let mut attempt = Attempt::first();
    if let Some(said) = config.said {
        attempt = attempt.idempotent(said);
    }
    if let Some(deadline) = config.deadline {
        attempt = attempt.due_by(epoch + ms(deadline));
    }
    let mut future = Box::pin(Lazy::new(hedge.wrap(operation)).with_attempt(attempt));
    let result = future.as_mut().await;
    assert_eq!(running.get(), 0, "losers are dropped before the caller resumes");
    drop(future);
    let ended = millis(epoch.elapsed());
    let left = budget.snapshot().tokens.unwrap();
    let left = (0..=config.reserve).find(|&n| (f64::from(n) - left).abs() < 0.01).unwrap();
    let mut seen = Seen { ended, left, launched: launched.into_inner(), ..Seen::default() };
    seen.told = recorder.take().iter().map(|event| event.kind.to_string()).collect();
    seen.last = match result {
        Err(Error::GaveUp(gave_up)) => {
            assert_eq!(millis(gave_up.elapsed), ended);
            assert_eq!(gave_up.attempts as usize, seen.launched.len());
            seen.why = Some(gave_up.why);
            seen.history = gave_up.history.iter().map(ToString::to_string).collect();
            format!("{:?}", Outcome::Err(gave_up.last))
        }
        result => format!("{result:?}"),
    };
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn both_do_the_same(config in config(), script in prop::collection::vec(step(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().unwrap();
        let seen = runtime.block_on(call(config, &script));
        assert_eq!(seen, Naive::call(config, &script));
    }
}

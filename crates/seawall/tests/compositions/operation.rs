//! The operation that the pipelines are around: it does anything, and counts what became of it.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use seawall::{Attempt, Class};
use tokio::time::{Instant, Sleep, sleep};

use crate::dice::Dice;

/// What the operation fails with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) class: Class,
    pub(crate) classifier_panics: bool,
}

pub(crate) fn classify(fault: &Fault) -> Class {
    assert!(!fault.classifier_panics, "planned: in the classifier");
    fault.class
}

/// What is known of all attempts of all calls of one run.
pub(crate) struct World {
    pub(crate) dice: Dice,
    /// Whether an attempt may never end: something has to cut it off.
    pub(crate) may_hang: Cell<bool>,
    pub(crate) may_panic: bool,
    pub(crate) started: Cell<u64>,
    pub(crate) succeeded: Cell<u64>,
    pub(crate) failed: Cell<u64>,
    pub(crate) panicked: Cell<u64>,
    pub(crate) dropped: Cell<u64>,
    pub(crate) alive: Cell<u64>,
    /// How many times the clock jumped.
    pub(crate) jumps: Cell<u64>,
    pub(crate) shut_down: Cell<Option<Instant>>,
    pub(crate) broken: RefCell<Vec<String>>,
}

pub(crate) fn count(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}

impl World {
    pub(crate) fn new(dice: Dice, may_panic: bool) -> Rc<Self> {
        Rc::new(Self {
            dice,
            may_hang: Cell::default(),
            may_panic,
            started: Cell::default(),
            succeeded: Cell::default(),
            failed: Cell::default(),
            panicked: Cell::default(),
            dropped: Cell::default(),
            alive: Cell::default(),
            jumps: Cell::default(),
            shut_down: Cell::default(),
            broken: RefCell::default(),
        })
    }

    /// Takes note of a law that does not hold. Not an assertion: a guard would catch its panic.
    pub(crate) fn law(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.borrow_mut().push(what());
        }
    }
}

/// One attempt.
pub(crate) struct Running {
    world: Rc<World>,
    yields: u32,
    sleep: Option<Pin<Box<Sleep>>>,
    end: End,
    polling: bool,
    over: bool,
    panics_in_drop: bool,
}

#[derive(Clone, Copy)]
enum End {
    Success,
    Failure(Fault),
    Panic,
    Never,
}

const CLASSES: [Class; 9] = [
    Class::Transient,
    Class::Transient,
    Class::Transient,
    Class::Overloaded { retry_after: None },
    Class::Overloaded { retry_after: Some(Duration::from_millis(150)) },
    Class::Overloaded { retry_after: Some(Duration::MAX) },
    Class::Permanent,
    Class::Ignored,
    Class::Cancelled,
];

/// Starts an attempt.
pub(crate) fn start(world: &Rc<World>, attempt: Attempt) -> Running {
    count(&world.started);
    if let Some(at) = world.shut_down.get() {
        world.law(Instant::now() == at, || format!("{attempt:?} started after the shutdown"));
    }
    let dice = &world.dice;
    if world.may_panic && dice.percent(3) {
        count(&world.panicked);
        panic!("planned: while it is created");
    }
    count(&world.alive);
    Running {
        yields: if dice.percent(30) { dice.below(4) } else { 0 },
        sleep: dice.percent(50).then(|| Box::pin(sleep(dice.millis(200)))),
        end: end(world),
        world: Rc::clone(world),
        polling: false,
        over: false,
        panics_in_drop: world.may_panic && dice.percent(2),
    }
}

fn end(world: &World) -> End {
    let dice = &world.dice;
    match dice.below(100) {
        0..5 if world.may_hang.get() => End::Never,
        5..10 if world.may_panic => End::Panic,
        10..50 => {
            let classifier_panics = world.may_panic && dice.percent(4);
            End::Failure(Fault { class: dice.one_of(&CLASSES), classifier_panics })
        }
        _ => End::Success,
    }
}

impl Future for Running {
    type Output = Result<u32, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let over = this.over || this.polling;
        this.world.law(!over, || "an attempt was polled after it was over".into());
        if this.yields > 0 {
            this.yields -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(sleep) = &mut this.sleep {
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.sleep = None;
        }
        this.polling = true;
        let outcome = match this.end {
            End::Never => {
                this.polling = false;
                return Poll::Pending;
            }
            End::Panic => panic!("planned: when it is polled"),
            End::Success => {
                count(&this.world.succeeded);
                Ok(1)
            }
            End::Failure(fault) => {
                count(&this.world.failed);
                Err(fault)
            }
        };
        this.over = true;
        this.polling = false;
        Poll::Ready(outcome)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let world = &self.world;
        world.alive.set(world.alive.get() - 1);
        if self.polling {
            count(&world.panicked);
        } else if !self.over {
            count(&world.dropped);
        }
        let well = !self.panics_in_drop || std::thread::panicking();
        assert!(well, "planned: when it is dropped");
    }
}

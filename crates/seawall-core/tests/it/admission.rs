//! Admission: however a call ends, in a pipeline or alone, its permit is settled or dropped once,
//! and after what is inside.

use std::cell::RefCell;
use std::future::{Future, pending, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use seawall_core::{
    Admission, Admit, Admitted, AllTransient, Attempt, Call, Description, Error, FromFn, Guarded,
    Label, Lazy, Listeners, NoWait, Operation, Policy, PolicyKind, Reason, Rejection, Reporter,
    Settle, catch,
};

type Log = Rc<RefCell<Vec<&'static str>>>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    AtOnce,
    Granted,
    /// Granted at the second poll of the wait.
    Later,
    Never,
    Refused,
    RefusedLater,
}

struct Toy {
    answer: Answer,
    log: Log,
}

struct Permit<'p>(&'p Toy, bool);

struct Wait<'p>(&'p Toy, u32);

impl Toy {
    fn note(&self, what: &'static str) {
        self.log.borrow_mut().push(what);
    }

    fn refuse(&self) -> Rejection {
        self.note("refused");
        let kind = PolicyKind::Custom(Label::new("toy"));
        Reporter::new("toy".into(), kind, Listeners::default()).refuse(Reason::Full)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.note(if self.1 { "settled" } else { "abandoned" });
    }
}

impl<T, E> Settle<T, E> for Permit<'_> {
    fn settle(mut self, outcome: &Result<T, Error<E>>) {
        self.0.note(if outcome.is_ok() { "success" } else { "failure" });
        self.1 = true;
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.note("left");
    }
}

impl<'p> Future for Wait<'p> {
    type Output = Result<Permit<'p>, Rejection>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        self.1 += 1;
        match self.0.answer {
            Answer::Later if self.1 == 2 => Poll::Ready(Ok(Permit(self.0, false))),
            Answer::RefusedLater if self.1 == 2 => Poll::Ready(Err(self.0.refuse())),
            _ => Poll::Pending,
        }
    }
}

impl Admit for Toy {
    type Permit<'p> = Permit<'p>;
    type Wait<'p> = Wait<'p>;

    fn try_admit(&self, _: &mut Attempt) -> Option<Permit<'_>> {
        (self.answer == Answer::AtOnce).then(|| Permit(self, false))
    }

    fn admit(&self, _: &mut Attempt) -> Admission<Permit<'_>, Wait<'_>> {
        match self.answer {
            Answer::AtOnce | Answer::Granted => Admission::Granted(Permit(self, false)),
            Answer::Refused => Admission::Refused(self.refuse()),
            _ => Admission::Waiting(Wait(self, 0)),
        }
    }
}

impl Policy for Toy {
    type Wrapped<'p, Op> = Admitted<'p, Self, Op>;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Admitted::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        inner
    }
}

/// What an operation does once it is started.
#[derive(Clone, Copy)]
enum Does {
    Succeed,
    Fail,
    Hang,
    Panic,
}

/// Notes when it is dropped.
struct Inside(Log);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.borrow_mut().push("inside ends");
    }
}

async fn operation(log: Log, does: Does) -> Result<u32, &'static str> {
    let _inside = Inside(log);
    match does {
        Does::Succeed => Ok(1),
        Does::Fail => Err("failed"),
        Does::Hang => pending().await,
        Does::Panic => panic!("an operation's own fault"),
    }
}

/// Polls `future` three times at most, then drops it.
fn run<F: Future>(future: F) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    catch(|| (0..3).any(|_| future.as_mut().poll(&mut cx).is_ready())).is_ok_and(|ready| ready)
}

/// What happens to a call, in a pipeline as a call and as an operation, and alone.
fn happens(answer: Answer, does: Does) -> Vec<&'static str> {
    let new = || {
        let log = Log::default();
        (Toy { answer, log: Rc::clone(&log) }, log)
    };
    let (toy, log) = new();
    let called = FromFn::new(|| operation(Rc::clone(&log), does), &AllTransient);
    let lazy = Lazy::new(toy.wrap(called));
    assert!(log.borrow().is_empty(), "nothing before the first poll");
    run(lazy);
    let as_call = log.take();

    let (toy, log) = new();
    let repeated = FromFn::new(|| operation(Rc::clone(&log), does), &AllTransient);
    run(toy.wrap(repeated).attempt(Attempt::first()));
    assert_eq!(log.take(), as_call, "as an operation");

    let (toy, log) = new();
    let alone = Guarded::new(&toy, operation(Rc::clone(&log), does));
    assert!(log.borrow().is_empty(), "nothing before the first poll");
    run(alone);
    assert_eq!(log.take(), as_call, "alone");
    as_call
}

#[test]
fn an_admitted_call_settles_its_permit_after_what_is_inside() {
    for answer in [Answer::AtOnce, Answer::Granted] {
        let ends = [
            (Does::Succeed, ["inside ends", "success", "settled"].as_slice()),
            (Does::Fail, &["inside ends", "failure", "settled"]),
            (Does::Hang, &["inside ends", "abandoned"]),
            (Does::Panic, &["inside ends", "abandoned"]),
        ];
        for (does, expected) in ends {
            assert_eq!(happens(answer, does), expected, "{answer:?}");
        }
    }
}

#[test]
fn a_call_that_waits_starts_when_its_permit_comes() {
    let mut succeeds = happens(Answer::Later, Does::Succeed);
    // When the place is left depends on the form; it is once, and without a permit.
    assert_eq!(succeeds.iter().filter(|what| **what == "left").count(), 1);
    succeeds.retain(|what| *what != "left");
    assert_eq!(succeeds, ["inside ends", "success", "settled"]);
}

#[test]
fn a_call_that_is_never_admitted_leaves_its_place_and_starts_nothing() {
    for (answer, expected) in [
        (Answer::Never, ["left"].as_slice()),
        (Answer::Refused, &["refused"]),
        (Answer::RefusedLater, &["refused", "left"]),
    ] {
        let mut happened = happens(answer, Does::Succeed);
        // The future that never starts alone is dropped without having run.
        happened.retain(|what| *what != "inside ends");
        assert_eq!(happened, expected, "{answer:?}");
    }
}

#[test]
fn a_start_that_panics_gives_the_permit_back() {
    for answer in [Answer::AtOnce, Answer::Granted, Answer::Later] {
        let log = Log::default();
        let toy = Toy { answer, log: Rc::clone(&log) };
        let call = FromFn::new(
            || -> std::future::Ready<Result<(), ()>> { panic!("a closure's own fault") },
            &AllTransient,
        );
        run(Lazy::new(toy.wrap(call)));
        let happened = log.take();
        assert_eq!(happened.iter().filter(|what| **what == "abandoned").count(), 1, "{answer:?}");
    }
}

#[test]
fn an_attempt_may_wait_while_the_next_is_made() {
    let log = Log::default();
    let toy = Toy { answer: Answer::Later, log: Rc::clone(&log) };
    let mut wrapped = toy.wrap(FromFn::new(|| ready(Ok::<_, ()>(1)), &AllTransient));
    let first = wrapped.attempt(Attempt::first());
    let second = wrapped.attempt(Attempt::first().numbered(2, 2));
    assert!(run(second) && run(first));
    // With no attempt waiting any more it can be started as a call, too.
    assert!(run(wrapped.start(Attempt::first())));
}

#[test]
fn where_no_call_waits_a_future_has_no_room_for_it() {
    assert_eq!(size_of::<Option<NoWait<u64>>>(), 0);
}

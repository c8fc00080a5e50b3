//! What an error says, how it is taken apart, and how large it is.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use seawall_core::{
    Attempt, Cancelled, Class, Error, Evidence, GaveUp, Label, PackedEvidence, Panicked,
    PolicyKind, Reason, Rejection, Rule, Scope, StopReason, TimedOut, TimedOutBy, contain,
};

const MS: Duration = Duration::from_millis(1);

#[derive(Debug, PartialEq)]
struct Refused(&'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.0)
    }
}

impl StdError for Refused {}

fn operation(text: &'static str) -> Error<Refused> {
    Error::operation_failed(Refused(text), Class::Transient)
}

fn gave_up<E>(last: Error<E>) -> Error<E> {
    let name = "inventory".into();
    let why = StopReason::Attempts;
    let gave_up = GaveUp::new(name, PolicyKind::Retry, why, 3, 1204 * MS, last);
    Error::from(gave_up.out_of(Some(3)))
}

fn timed_out() -> TimedOut {
    let attempt = Attempt::first().numbered(2, 3);
    let name = "inventory".into();
    TimedOut::new(name, Scope::Attempt, TimedOutBy::Limit, 2000 * MS, 2001 * MS, attempt)
}

fn rejection() -> Rejection {
    Rejection::new("inventory".into(), PolicyKind::Breaker, Reason::Open)
        .because(Evidence::new(Rule::FailureRate, 0.62, 0.5, 100))
        .in_force_for(120 * MS)
        .retry_in(80 * MS)
}

#[test]
fn display_says_policy_limit_and_what_was_seen() {
    let panic = contain(|| panic!("index out of bounds")).unwrap_err();
    let panicked = Panicked::new("inventory".into(), panic);
    let cases: [(Error<Refused>, &str); 6] = [
        (operation("no route"), "refused: no route"),
        (
            timed_out().into(),
            "attempt timeout 'inventory': no outcome after 2.001s (limit 2s), attempt 2 of 3",
        ),
        (
            rejection().into(),
            "breaker 'inventory': open for 120.000ms: 62% of 100 calls failed, threshold 50%; \
             retry in 80.000ms",
        ),
        (
            gave_up(operation("no route")),
            "retry 'inventory': gave up after 3 of 3 attempts in 1.204s (no attempts left); \
             last: refused: no route",
        ),
        (
            Error::Cancelled(Cancelled::new("inventory".into(), PolicyKind::Shutdown)),
            "shutdown 'inventory': cancelled before it had an outcome",
        ),
        (Error::from(panicked), "panic guard 'inventory': panicked: index out of bounds"),
    ];
    for (error, text) in cases {
        let said = error.to_string();
        assert!(said.starts_with(text), "{said:?} does not start with {text:?}");
    }
}

#[test]
fn the_operations_error_is_within_reach_under_any_number_of_wrappers() {
    let wrapped = gave_up(gave_up(gave_up(operation("no route"))));
    assert_eq!(wrapped.operation(), Some(&Refused("no route")));
    assert_eq!(wrapped.into_operation().unwrap(), Refused("no route"));
}

#[test]
fn an_error_that_holds_no_operation_error_comes_back_whole() {
    let wrapped = gave_up::<Refused>(timed_out().into());
    assert!(wrapped.operation().is_none());
    let back = wrapped.into_operation().unwrap_err();
    assert_eq!(back.gave_up().unwrap().attempts, 3);
    assert_eq!(back.timed_out(), Some(&timed_out()));
}

#[test]
fn display_and_the_source_chain_say_everything_once() {
    #[derive(Debug)]
    struct Query(Refused);

    impl fmt::Display for Query {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the query failed")
        }
    }

    impl StdError for Query {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    let failed = || Error::operation_failed(Query(Refused("by peer")), Class::Transient);
    for error in [failed(), gave_up(failed()), gave_up(gave_up(failed()))] {
        assert_eq!(error.to_string().matches("the query failed").count(), 1);
        let source = error.source().unwrap();
        assert_eq!(source.downcast_ref(), Some(&Refused("by peer")));
        assert!(source.source().is_none());
        let boxed: Error = error.boxed();
        assert_eq!(boxed.source().unwrap().downcast_ref(), Some(&Refused("by peer")));
    }
    assert!(gave_up::<Refused>(timed_out().into()).source().is_none());
}

#[test]
fn out_of_time_is_one_question() {
    fn given_up(why: StopReason, last: Error<()>) -> Error<()> {
        GaveUp::new("inventory".into(), PolicyKind::Retry, why, 1, MS, last).into()
    }
    fn refused(reason: Reason) -> Error<()> {
        Rejection::new("inventory".into(), PolicyKind::Bulkhead, reason).into()
    }
    let failed = || Error::operation_failed((), Class::Transient);
    let late = [
        timed_out().into(),
        refused(Reason::DeadlineTooNear),
        given_up(StopReason::Attempts, timed_out().into()),
        given_up(StopReason::Deadline, failed()),
        given_up(StopReason::Rejected, refused(Reason::DeadlineTooNear)),
        given_up(StopReason::Attempts, given_up(StopReason::Deadline, failed())),
    ];
    for error in late {
        assert!(error.is_timeout(), "{error:?}");
    }
    let other = [
        failed(),
        refused(Reason::Open),
        refused(Reason::WaitedTooLong),
        given_up(StopReason::Attempts, failed()),
    ];
    for error in other {
        assert!(!error.is_timeout(), "{error:?}");
    }
}

#[test]
fn the_class_goes_with_the_error() {
    let permanent = || Error::operation_failed(Refused("forbidden"), Class::Permanent);
    assert_eq!(permanent().class(), Class::Permanent);
    assert_eq!(gave_up(permanent()).class(), Class::Permanent);
    assert_eq!(Error::<()>::from(timed_out()).class(), Class::Transient);
    assert_eq!(Error::<()>::from(rejection()).class(), Class::Ignored);
}

#[test]
fn retry_after_comes_from_the_refusing_policy_or_the_dependency() {
    assert_eq!(Error::<()>::from(rejection()).retry_after(), Some(80 * MS));
    let class = Class::Overloaded { retry_after: Some(5 * MS) };
    assert_eq!(gave_up(Error::operation_failed((), class)).retry_after(), Some(5 * MS));
    assert_eq!(operation("no route").retry_after(), None);
}

#[test]
fn map_reaches_through_wrappers_and_keeps_the_rest() {
    let mapped = gave_up(gave_up(operation("no route"))).map(|error| error.0.len());
    assert_eq!(mapped.operation(), Some(&8));
    let outer = mapped.gave_up().unwrap();
    assert_eq!((outer.attempts, outer.max_attempts, outer.elapsed), (3, Some(3), 1204 * MS));
    assert!(outer.last.gave_up().is_some());
}

#[test]
fn flatten_makes_one_error_of_two_pipelines() {
    let inner = operation("no route");
    let outer = gave_up(Error::operation_failed(inner, Class::Transient));
    let flat: Error<Refused> = outer.flatten();
    assert_eq!(flat.operation(), Some(&Refused("no route")));
    let cut: Error<Error<Refused>> = timed_out().into();
    assert_eq!(cut.flatten().timed_out(), Some(&timed_out()));
}

#[test]
fn a_rejection_gives_back_what_it_was_made_of() {
    let rejection = rejection();
    assert_eq!(rejection.policy().as_str(), "inventory");
    assert_eq!((rejection.kind(), rejection.reason()), (PolicyKind::Breaker, Reason::Open));
    let evidence = Evidence::new(Rule::FailureRate, 0.62, 0.5, 100);
    assert_eq!(rejection.evidence(), Some(evidence));
    assert_eq!((rejection.since(), rejection.retry_after()), (Some(120 * MS), Some(80 * MS)));
    let bare = Rejection::new("bulk".into(), PolicyKind::Bulkhead, Reason::Full);
    assert_eq!((bare.evidence(), bare.since(), bare.retry_after()), (None, None, None));
    assert_eq!(bare.to_string(), "bulkhead 'bulk': full");
}

#[test]
fn a_wait_of_duration_max_is_never() {
    assert_eq!(rejection().retry_in(Duration::MAX).retry_after(), None);
}

#[test]
fn errors_are_small_and_cross_threads() {
    fn crosses_threads<T: Send + Sync + 'static>() {}
    crosses_threads::<Error<io::Error>>();
    assert_eq!(size_of::<Error<()>>(), 48);
    assert!(size_of::<Error<[u8; 16]>>() <= 48);
    assert!(size_of::<Error<[u8; 24]>>() <= 56);
    assert!(size_of::<Error<[u64; 20]>>() < 160 + 64);
    assert_eq!(size_of::<Result<(), Error<()>>>(), 48);
}

#[test]
fn evidence_of_one_is_told_in_the_singular() {
    use seawall_core::{Evidence, Rule};

    for (rule, one, two) in [
        (Rule::ConsecutiveFailures, "1 failure in a row, limit 1", "2 failures in a row, limit 2"),
        (
            Rule::FailureRate,
            "100% of 1 call failed, threshold 100%",
            "200% of 2 calls failed, threshold 200%",
        ),
        (
            Rule::SlowRate,
            "100% of 1 call was slow, threshold 100%",
            "200% of 2 calls were slow, threshold 200%",
        ),
        (
            Rule::ProbeSuccesses,
            "1 of 1 probe succeeded, 1 was needed",
            "2 of 2 probes succeeded, 2 were needed",
        ),
    ] {
        assert_eq!(Evidence::new(rule, 1.0, 1.0, 1).to_string(), one);
        assert_eq!(Evidence::new(rule, 2.0, 2.0, 2).to_string(), two);
    }
}

#[test]
fn a_wait_of_centuries_is_none() {
    let rejection = |nanos| {
        Rejection::new("inventory".into(), PolicyKind::Breaker, Reason::Open).retry_in_nanos(nanos)
    };
    let longest = (1 << 63) - 1;
    assert_eq!(rejection(longest).retry_after(), Some(Duration::from_nanos(longest)));
    for nanos in [1 << 63, u64::MAX - 1, u64::MAX] {
        assert_eq!(rejection(nanos).retry_after(), None);
        assert_eq!(rejection(nanos), rejection(u64::MAX));
    }
    assert_ne!(rejection(longest), rejection(u64::MAX));
}

#[test]
fn evidence_of_every_rule_survives_being_packed() {
    let rules = [
        Rule::ConsecutiveFailures,
        Rule::FailureRate,
        Rule::SlowRate,
        Rule::Predicate,
        Rule::ProbeFailures,
        Rule::ProbeSuccesses,
        Rule::InFlight,
        Rule::Queued,
        Rule::Rate,
        Rule::ShedProbability,
        Rule::TimeLeft,
        Rule::Custom(Label::new("weight")),
    ];
    for rule in rules {
        let evidence = Evidence::new(rule, 0.3, 1e300, u32::MAX);
        let rejection = || Rejection::new("inventory".into(), PolicyKind::Breaker, Reason::Open);
        assert_eq!(rejection().because(evidence).evidence(), Some(evidence));
        let packed = PackedEvidence::from_words(PackedEvidence::from(Some(evidence)).to_words());
        assert_eq!(packed.get(), Some(evidence));
        assert_eq!(rejection().because_packed(packed), rejection().because(evidence));
    }
    let none = PackedEvidence::from(None);
    assert_eq!((none.get(), rejection().because_packed(none).evidence()), (None, None));
}

#[test]
fn words_that_were_never_packed_are_no_evidence() {
    for rule in [0, 45, 255] {
        assert_eq!(PackedEvidence::from_words([0, 0, rule << 32]).get(), None);
    }
}

/// Says when it is dropped.
#[derive(Debug)]
struct Counted<'c>(&'c std::cell::Cell<u32>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn what_an_error_holds_is_dropped_once() {
    let drops = std::cell::Cell::new(0);
    let error = || gave_up(Error::operation_failed(Counted(&drops), Class::Transient));
    drop(error());
    assert_eq!(drops.get(), 1);
    let Error::GaveUp(mut taken) = error() else { panic!("a retry gave up") };
    taken.attempts += 1;
    let taken = *taken;
    assert_eq!((taken.attempts, drops.get()), (4, 1));
    drop(taken);
    assert_eq!(drops.get(), 2);
}

#[test]
fn a_custom_policy_says_why_in_its_own_words() {
    let kind = PolicyKind::Custom(Label::new("single file"));
    let evidence = Evidence::new(Rule::Custom(Label::new("weight")), 3.0, 1.0, 0);
    let rejection = Rejection::new("inventory".into(), kind, Reason::Custom(Label::new("busy")));
    let rejection = rejection.because(evidence);
    assert_eq!(rejection.to_string(), "single file 'inventory': busy: weight 3, limit 1");
    assert_eq!((kind.as_str(), rejection.reason().as_str()), ("single file", "busy"));
    assert_eq!(evidence.rule.as_str(), "weight");
    let event = seawall_core::EventKind::custom("turn_taken", "took its turn");
    assert_eq!((event.as_str(), event.to_string().as_str()), ("turn_taken", "took its turn"));
}

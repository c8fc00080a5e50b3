//! What records say.

use std::fmt;
use std::time::Duration;

use seawall_capture::record::limits;
use seawall_capture::store::{DropReason, Filter, Seen};
use seawall_capture::{Capture, Clock, Draft, Kind, MemoryStore, Record, Severity, Timestamp};
use seawall_core::{
    Class, Error, Evidence, GaveUp, Name, PolicyKind, Reason, Rejection, Rule, StopReason, contain,
};

#[derive(Debug)]
struct Link(&'static str, Option<Box<Link>>);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Link {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|link| link as _)
    }
}

fn chain() -> Link {
    Link("outer", Some(Box::new(Link("middle", Some(Box::new(Link("root", None)))))))
}

fn capture() -> (Capture, MemoryStore) {
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let store = MemoryStore::builder().clock(clock.clone()).build().unwrap();
    let capture = Capture::builder()
        .service("billing")
        .version("1.2.3")
        .environment("test")
        .host("h1")
        .clock(clock)
        .without_backtraces()
        .store(store.clone())
        .build()
        .unwrap();
    (capture, store)
}

fn only(store: &MemoryStore) -> Record {
    let mut groups = store.list(&Filter::default());
    assert_eq!(groups.len(), 1);
    groups.remove(0).last
}

#[test]
fn an_error_with_its_whole_chain_the_root_first() {
    let (capture, store) = capture();
    assert_eq!(capture.error(&chain()), Seen::New);
    let record = only(&store);
    assert!(record.type_name.ends_with("::Link"), "{}", record.type_name);
    assert_eq!(record.details.message, "outer");
    assert_eq!(record.details.causes, ["root", "middle"]);
    assert!(record.details.location.contains("tests/it/record.rs:"), "{}", record.details.location);
    assert_eq!(record.at.to_string(), "2023-11-14T22:13:20.000Z");
    let origin = &record.origin;
    assert_eq!((&*origin.service, &*origin.version), ("billing", "1.2.3"));
    assert_eq!((&*origin.environment, &*origin.host), ("test", "h1"));
    // A second that is shorter leaves nothing of the first.
    capture.error(&Link("alone", None));
    let filter = Filter { text: Some("alone".into()), ..Filter::default() };
    assert!(store.list(&filter)[0].last.details.causes.is_empty());
}

#[test]
fn a_chain_that_bites_its_own_tail_ends() {
    #[derive(Debug)]
    struct Ring;
    impl fmt::Display for Ring {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("ring")
        }
    }
    impl std::error::Error for Ring {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&Ring)
        }
    }
    let (capture, store) = capture();
    capture.error(&Ring);
    assert_eq!(only(&store).details.causes.len(), limits::CAUSES);
}

#[test]
fn an_error_whose_source_or_display_panics_is_captured() {
    #[derive(Debug)]
    struct Hostile;
    impl fmt::Display for Hostile {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no words")
        }
    }
    impl std::error::Error for Hostile {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            panic!("no source")
        }
    }
    let (capture, store) = capture();
    assert_eq!(capture.error(&Hostile), Seen::New);
    assert_eq!(only(&store).details.message, "<its Display panicked>");
}

#[test]
fn an_error_that_captures_itself_while_it_is_displayed_does_not_feed_itself() {
    struct Feeding(Capture);
    impl fmt::Debug for Feeding {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Feeding")
        }
    }
    impl fmt::Display for Feeding {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            assert_eq!(self.0.error(&chain()), Seen::Dropped(DropReason::Recursion));
            f.write_str("fed")
        }
    }
    impl std::error::Error for Feeding {}
    let (capture, store) = capture();
    capture.error(&Feeding(capture.clone()));
    assert_eq!(only(&store).details.message, "fed");
    assert_eq!(capture.recursions(), 1);
}

#[test]
fn a_panic_with_message_and_location() {
    seawall_core::panic::install_hook();
    let (capture, store) = capture();
    capture.panic(&contain(|| panic!("broken {}", 7)).unwrap_err());
    let record = only(&store);
    assert_eq!((&*record.type_name, &*record.details.message), ("panic", "broken 7"));
    assert!(record.details.location.contains("record.rs"));
    assert_eq!((record.severity, record.kind), (Some(Severity::High), Some(Kind::Logic)));
}

#[test]
fn the_final_failure_of_a_call_says_what_the_policies_know() {
    let (capture, store) = capture();
    let last = Error::operation_failed(chain(), Class::Transient);
    let elapsed = Duration::from_secs(2);
    let gave_up =
        GaveUp::new(Name::from("db"), PolicyKind::Retry, StopReason::Attempts, 3, elapsed, last);
    let error = Error::from(gave_up.out_of(Some(3)));
    capture.failure(&error);
    capture.failure(&Error::operation_failed(chain(), Class::Permanent));
    // Given up or not, it is the same failure.
    let group = store.list(&Filter::default()).remove(0);
    assert_eq!(group.count, 2);
    assert!(group.last.call.is_none());
    let call = group.first.call.unwrap();
    assert_eq!((call.attempts, call.max_attempts, call.elapsed), (Some(3), Some(3), Some(elapsed)));
    assert_eq!((&*call.policy_kind, &*call.policy, &*call.stopped), ("retry", "db", "attempts"));
    assert_eq!(call.class, "transient");
}

#[test]
fn attempts_and_the_waits_between_them_are_kept_within_a_bound() {
    let (capture, store) = capture();
    let failed = || Error::operation_failed(chain(), Class::Transient);
    let (attempts, elapsed) = (1_001, Duration::from_secs(9));
    let name = Name::from("db");
    let mut gave_up =
        GaveUp::new(name, PolicyKind::Retry, StopReason::Budget, attempts, elapsed, failed());
    gave_up.history = (1..attempts).map(|_| failed()).collect();
    gave_up.delays = (1..attempts).map(|n| Duration::from_millis(n.into())).collect();
    capture.failure(&Error::from(gave_up));
    let call = only(&store).call.unwrap();
    assert_eq!((call.history.len(), call.delays.len()), (limits::CAUSES, limits::CAUSES));
    assert_eq!(call.delays[..2], [Duration::from_millis(1), Duration::from_millis(2)]);
    let json = serde_json::to_value(only(&store)).unwrap();
    assert_eq!(json["call"]["delays"][1]["nanos"], 2_000_000);
    // What is recorded next has none of it.
    capture.failure(&failed());
    assert!(store.list(&Filter::default())[0].last.call.is_none());
}

#[test]
fn a_rejection_says_what_it_rests_on() {
    let (capture, store) = capture();
    let rejection = Rejection::new(Name::from("db"), PolicyKind::Breaker, Reason::Open)
        .because(Evidence::new(Rule::FailureRate, 0.5, 0.3, 100))
        .in_force_for(Duration::from_secs(1))
        .retry_in(Duration::from_secs(4));
    capture.failure(&Error::<Link>::Rejected(rejection));
    let record = only(&store);
    let call = record.call.unwrap();
    assert_eq!(call.evidence, "50% of 100 calls failed, threshold 30%");
    assert_eq!((&*call.reason, &*call.policy), ("open", "db"));
    assert_eq!(call.retry_after, Some(Duration::from_secs(4)));
    assert_eq!(call.since, Some(Duration::from_secs(1)));
    assert_eq!(record.kind, Some(Kind::Integration));
}

#[test]
fn the_description_may_leave_and_holds_nothing_that_varies() {
    let (capture, _) = capture();
    let record = capture.prepare(Draft::new("E", "user 4711 at 10.0.0.1 has no invoice 'x'"));
    assert_eq!(record.description, "user <num> at <ip> has no invoice <str>");
    let record = capture.prepare(Draft::new("E", "x 1").description("by hand 1"));
    assert_eq!(record.description, "by hand 1");
}

#[test]
fn a_record_is_bounded_whatever_goes_in() {
    let (capture, _) = capture();
    let huge = "word ".repeat(100_000);
    let mut draft = Draft::new(&huge, &huge).source(&huge).description(&huge).trace(&huge, &huge);
    for n in 0..1_000 {
        draft = draft.tag(&format!("{n}{huge}"), &huge).value(&format!("{n}{huge}"), &huge);
    }
    let record = capture.prepare(draft.version(&huge));
    assert_eq!((record.tags.len(), record.details.values.len()), (limits::TAGS, limits::VALUES));
    assert!(record.details.message.len() <= limits::MESSAGE);
    assert!(record.details.message.ends_with('…'));
    assert!(record.origin.version.len() <= limits::NAME);
    assert!(record.footprint() < 400_000, "{}", record.footprint());
}

#[test]
fn a_record_survives_the_way_through_json() {
    let (capture, store) = capture();
    capture.error(&chain());
    let record = only(&store);
    let json = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
    let group = store.list(&Filter::default()).remove(0);
    let json = serde_json::to_string(&group).unwrap();
    assert_eq!(serde_json::from_str::<seawall_capture::store::Group>(&json).unwrap(), group);
}

#[test]
fn a_name_too_long_is_refused_by_its_field() {
    let error = Capture::builder().service("x".repeat(257)).build().unwrap_err();
    assert_eq!((error.field, error.policy), ("service", PolicyKind::Capture));
}

//! What callers are answered.

use std::time::Duration;

use http::Response;
use seawall::policy::contain;
use seawall::{Class, Error, GaveUp, Panicked, PolicyKind, Random, Reason, Rejection, StopReason};
use seawall_http::Problem;

fn refusal(reason: Reason) -> Rejection {
    Rejection::new("10.0.0.1:5432".into(), PolicyKind::Breaker, reason)
}

fn json(problem: &Problem) -> serde_json::Value {
    serde_json::from_str(&problem.to_string()).unwrap()
}

#[test]
fn each_failure_has_its_status_and_its_code_and_gives_nothing_away() {
    let report = contain(|| panic!("planned: secret")).unwrap_err();
    for (error, status, code, grpc) in [
        (Error::from(refusal(Reason::Open)), 503, "open", 14),
        (refusal(Reason::Full).into(), 503, "full", 14),
        (refusal(Reason::ShuttingDown).into(), 503, "shutting_down", 14),
        (refusal(Reason::RateLimited).into(), 429, "rate_limited", 8),
        (refusal(Reason::DeadlineTooNear).into(), 504, "timed_out", 4),
        (Panicked::new("db".into(), report).into(), 500, "panicked", 13),
        (Error::operation_failed("secret", Class::Transient), 500, "failed", 13),
    ] {
        let problem = Problem::of(&error);
        assert_eq!((problem.status.as_u16(), problem.code), (status, code));
        assert_eq!(problem.grpc_status(), grpc);
        let value = json(&problem);
        assert_eq!((&value["status"], &value["code"]), (&status.into(), &code.into()));
        assert_eq!(value["type"], "about:blank");
        let text = problem.to_string();
        assert!(!text.contains("10.0.0.1") && !text.contains("secret"), "{text}");
    }
}

#[test]
fn the_attempts_are_named_and_the_last_error_decides() {
    let last = Error::<&str>::from(refusal(Reason::Open));
    let (elapsed, why) = (Duration::from_secs(1), StopReason::Rejected);
    let gave_up = GaveUp::new("db".into(), PolicyKind::Retry, why, 3, elapsed, last);
    let problem = Problem::of(&Error::from(gave_up));
    assert_eq!((problem.status.as_u16(), problem.attempts), (503, Some(3)));
    assert_eq!(json(&problem)["attempts"], 3);
}

#[test]
fn refusals_say_when_to_come_back() {
    let error = Error::<&str>::from(refusal(Reason::Open).retry_in(Duration::from_millis(2_500)));
    let random = Random::seeded(3);
    let answer: Response<String> = Problem::of(&error).to_response(&random);
    assert!(["3", "4"].contains(&answer.headers()["retry-after"].to_str().unwrap()));
    let grpc: Response<String> = Problem::of(&error).to_grpc();
    assert_eq!(grpc.status(), 200);
    assert_eq!(grpc.headers()["grpc-status"], "14");
    assert_eq!(grpc.headers()["grpc-retry-pushback-ms"], "2500");
    // One that does not know: a second at least.
    let full = Problem::of(&Error::<&str>::from(refusal(Reason::Full)));
    let answer: Response<String> = full.to_response(&random);
    assert!(["1", "2"].contains(&answer.headers()["retry-after"].to_str().unwrap()));
    // A failure that is no refusal asks for nothing.
    let failed = Problem::of(&Error::operation_failed("broken", Class::Transient));
    let answer: Response<String> = failed.to_response(&random);
    assert!(!answer.headers().contains_key("retry-after"));
}

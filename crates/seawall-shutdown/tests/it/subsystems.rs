//! Shutdowns inside a shutdown.

use std::future::pending;
use std::time::Duration;

use seawall_shutdown::{OnFailure, Outcome, Phase, Shutdown, ShutdownReason, Step};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

fn new(name: &str) -> Shutdown {
    Shutdown::builder().name(name).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_child_can_be_shut_down_alone() {
    let (parent, child) = (new("parent"), new("child"));
    parent.subsystem(&child, OnFailure::EndParent).unwrap();
    let worker = child.spawn("worker", |token| async move { token.cancelled().await }).unwrap();
    child.trigger("restart");
    worker.await.unwrap();
    assert!(child.run().await.is_clean());
    assert!(!parent.is_shutting_down());
    parent.trigger("test");
    let report = parent.run().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.subsystems.len(), 1);
    assert_eq!(report.subsystems[0].reason, ShutdownReason::requested("restart"));
}

#[tokio::test(start_paused = true)]
async fn a_parent_takes_its_children_with_it_and_waits_for_them() {
    let parent = new("parent");
    for name in ["one", "two"] {
        let child = Shutdown::builder()
            .name(name)
            .step(Phase::FLUSH, Step::new("flush", || sleep(SECOND)))
            .build()
            .unwrap();
        parent.subsystem(&child, OnFailure::Contain).unwrap();
    }
    parent.trigger("test");
    let report = parent.run().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.total, SECOND);
    let names: Vec<_> = report.subsystems.iter().map(|child| &*child.name).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(report.subsystems[0].reason.to_string(), "'parent' shuts down");
}

#[tokio::test(start_paused = true)]
async fn a_failed_child_ends_its_parent_only_if_configured() {
    for (on_failure, ends) in [(OnFailure::EndParent, true), (OnFailure::Contain, false)] {
        let (parent, child) = (new("parent"), new("child"));
        parent.subsystem(&child, on_failure).unwrap();
        child.spawn_critical("poller", async |_| Err("no such host")).unwrap();
        child.run().await;
        sleep(SECOND).await;
        assert_eq!(parent.is_shutting_down(), ends);
        if ends {
            assert_eq!(
                parent.reason().unwrap().to_string(),
                "subsystem 'child' failed: critical task 'poller' failed: no such host"
            );
            assert_eq!(parent.run().await.exit_code(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_gets_its_flush_within_the_parents_time() {
    let parent = Shutdown::builder()
        .name("parent")
        .grace_period(10 * SECOND)
        .step(Phase::FLUSH, Step::new("parent's flush", async || {}))
        .build()
        .unwrap();
    // It would have a minute of its own, but its parent has not.
    let child = Shutdown::builder()
        .name("child")
        .grace_period(60 * SECOND)
        .step(Phase::DRAIN, Step::new("hang", pending::<()>))
        .step(Phase::FLUSH, Step::new("flush", || sleep(SECOND)).reserve(2 * SECOND))
        .build()
        .unwrap();
    parent.subsystem(&child, OnFailure::Contain).unwrap();
    parent.trigger("test");
    let report = parent.run().await;
    assert!(report.total <= 10 * SECOND);
    assert!(report.step("parent's flush").unwrap().outcome.is_done());
    let child = &report.subsystems[0];
    assert_eq!(child.step("hang").unwrap().outcome, Outcome::TimedOut);
    assert!(child.step("flush").unwrap().outcome.is_done(), "{report}");
    assert_eq!(child.forced, None);
    assert_eq!(report.exit_code(), 4, "the child's left-behind counts");
}

#[tokio::test(start_paused = true)]
async fn forcing_the_parent_forces_the_children_and_names_what_they_left() {
    let (parent, child) = (new("parent"), new("child"));
    let grandchild = new("grandchild");
    parent.subsystem(&child, OnFailure::Contain).unwrap();
    child.subsystem(&grandchild, OnFailure::Contain).unwrap();
    let deaf = grandchild.spawn("deaf", |_| pending::<()>()).unwrap();
    sleep(SECOND).await;
    parent.force("now");
    let report = parent.run().await;
    assert_eq!(report.total, Duration::ZERO);
    let child = &report.subsystems[0];
    let grandchild = &child.subsystems[0];
    assert_eq!(grandchild.left_behind[0].name, "deaf");
    assert!(deaf.await.unwrap_err().is_cancelled());
    assert_eq!(report.exit_code(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_child_is_refused_once_the_parent_is_over() {
    let (parent, child) = (new("parent"), new("child"));
    parent.trigger("test");
    assert!(parent.run().await.is_clean());
    assert!(parent.subsystem(&child, OnFailure::Contain).is_err());
    assert!(!child.is_shutting_down());
}

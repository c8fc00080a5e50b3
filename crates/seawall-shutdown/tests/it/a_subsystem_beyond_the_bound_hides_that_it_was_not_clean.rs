//! A report lists a hundred subsystems. The 101st could fail, and the report of its parent said "clean", exit code 0.

use seawall_shutdown::{OnFailure, Report, Shutdown};

#[tokio::test(start_paused = true)]
async fn a_failure_is_listed_in_the_place_of_a_success() {
    let parent = Shutdown::builder().build().unwrap();
    for number in 0..=Report::MAX_LISTED {
        let child = Shutdown::builder().name(format!("child {number}")).build().unwrap();
        parent.subsystem(&child, OnFailure::Contain).unwrap();
        if number == Report::MAX_LISTED {
            child.force("an operator");
        } else {
            child.trigger("no longer needed");
        }
        child.run().await;
        tokio::task::yield_now().await;
    }
    parent.trigger("test");
    let report = parent.run().await;
    assert_eq!(report.subsystems.len(), Report::MAX_LISTED);
    assert_eq!(report.subsystems_unlisted, 1);
    assert!(!report.is_clean());
    assert_eq!(report.exit_code(), 5);
    assert!(report.to_string().ends_with("subsystems: 1 more"));
}

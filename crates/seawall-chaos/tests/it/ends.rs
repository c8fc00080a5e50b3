//! What ends it ends it for good, and says so.

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use seawall::{EventKind, Pipeline};
use seawall_chaos::{Chaos, ChaosCounts};
use seawall_testkit::Recorder;

use crate::{Errors, MS, failing, failing_in};

/// Why it ended, each time that it did.
fn ends(heard: &Recorder) -> Vec<&'static str> {
    let ended = |kind: &EventKind| match kind {
        EventKind::InjectionEnded { why, .. } => Some(*why),
        _ => None,
    };
    heard.events().iter().filter_map(|event| ended(&event.kind)).collect()
}

/// Calls until nothing fails any more; how many did, and what the event says.
async fn play(chaos: &Chaos<Errors>) -> (u32, Vec<&'static str>) {
    let heard = Recorder::default();
    let id = chaos.listeners().add(heard.clone());
    let pipeline = Pipeline::builder("shop").layer(chaos.clone()).build().expect("valid");
    let mut failed = 0;
    for _ in 0..100 {
        failed += u32::from(pipeline.call(async || Ok::<_, io::Error>(())).await.is_err());
        tokio::time::advance(10 * MS).await;
    }
    chaos.listeners().remove(id);
    (failed, ends(&heard))
}

#[tokio::test(start_paused = true)]
async fn a_budget_a_time_and_a_rule() {
    let chaos = failing().budget(7).enabled().build().expect("valid");
    assert_eq!(play(&chaos).await, (7, vec!["budget"]));
    assert!(!chaos.is_enabled());
    assert_eq!(play(&chaos).await, (0, vec![]), "it stays off");

    let chaos = failing().until(200 * MS).enabled().build().expect("valid");
    assert_eq!(play(&chaos).await, (20, vec!["time"]));

    let rule = |counts: &ChaosCounts| counts.failed >= 5;
    let chaos = failing().abort_if(rule).enabled().build().expect("valid");
    assert_eq!(play(&chaos).await, (5, vec!["abort rule"]));
    let chaos = failing().abort_if(|_| panic!("the user's own fault")).enabled();
    assert_eq!(play(&chaos.build().expect("valid")).await, (0, vec!["abort rule"]));
}

#[tokio::test(start_paused = true)]
async fn an_operator_begins_it_again_with_the_whole_budget_and_time() {
    let chaos = failing().budget(3).until(100 * MS).build().expect("valid");
    assert_eq!(play(&chaos).await.0, 0);
    for _ in 0..2 {
        chaos.enable();
        assert_eq!(play(&chaos).await, (3, vec!["budget"]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_does_not_switch_it_on_again() {
    let file = std::env::temp_dir().join(format!("seawall-chaos-{}", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let build = || {
        let chaos = failing().budget(2).end_marker(&file);
        chaos.enabled().build().expect("valid")
    };
    let chaos = build();
    assert_eq!(play(&chaos).await.0, 2);
    assert_eq!(std::fs::read_to_string(&file).ok().as_deref(), Some("budget"));
    drop(chaos);

    let restarted = build();
    assert!(!restarted.is_enabled());
    assert_eq!(play(&restarted).await.0, 0);
    restarted.enable();
    assert!(!file.exists());
    assert_eq!(play(&restarted).await.0, 2);
    std::fs::remove_file(&file).expect("it ended again");
}

/// A file of its own, which is not there.
fn marker(name: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("seawall-chaos-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&file);
    file
}

#[tokio::test(start_paused = true)]
async fn its_time_is_over_although_no_attempt_gets_a_fault() {
    let file = marker("time");
    let rare = || failing_in(1e-12).until(15 * MS).end_marker(&file).enabled();
    let chaos = rare().build().expect("valid");
    let heard = Recorder::default();
    chaos.listeners().add(heard.clone());
    assert!(chaos.is_enabled());
    tokio::time::advance(15 * MS).await;
    assert!(!chaos.is_enabled(), "before any attempt shows it");
    assert!(!file.exists(), "to ask changes nothing");
    assert_eq!(play(&chaos).await, (0, vec!["time"]));
    assert_eq!(ends(&heard), ["time"]);
    assert_eq!(std::fs::read_to_string(&file).expect("it ended"), "time");
    assert!(!rare().build().expect("valid").is_enabled(), "nor after a restart");
    std::fs::remove_file(&file).expect("it is there");
}

#[tokio::test(start_paused = true)]
async fn what_ends_it_first_is_named_and_written() {
    let file = marker("first");
    let all = || failing().budget(7).until(200 * MS).end_marker(&file).enabled();
    let abort_after = |failed| move |counts: &ChaosCounts| counts.failed >= failed;
    for (chaos, failed, why) in [
        (all(), 7, "budget"),
        (all().until(30 * MS), 3, "time"),
        (all().abort_if(abort_after(5)), 5, "abort rule"),
        (all().abort_if(abort_after(9)), 7, "budget"),
    ] {
        let chaos = chaos.build().expect("valid");
        assert_eq!(play(&chaos).await, (failed, vec![why]));
        assert_eq!(std::fs::read_to_string(&file).expect("it ended"), why);
        std::fs::remove_file(&file).expect("it is there");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_held_once_ends_it_for_good() {
    // It holds at the fourth fault only.
    let asked = AtomicU32::new(0);
    let rule = move |_: &ChaosCounts| asked.fetch_add(1, Ordering::Relaxed) == 3;
    let chaos = failing().abort_if(rule).enabled().build().expect("valid");
    assert_eq!(play(&chaos).await, (3, vec!["abort rule"]));
    assert_eq!(play(&chaos).await, (0, vec![]));
    assert_eq!(chaos.counts().injected(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_delayed_when_it_ends_goes_on() {
    let chaos = Chaos::builder().latency(1.0, 50 * MS..51 * MS).budget(2).enabled();
    let chaos = chaos.build().expect("valid");
    let pipeline = Pipeline::builder("shop").layer(chaos.clone()).build().expect("valid");
    let began = tokio::time::Instant::now();
    let call = async || {
        pipeline.call(async || Ok::<_, io::Error>(())).await.expect("late is not failed");
        began.elapsed()
    };
    let (first, second, third) = tokio::join!(call(), call(), call());
    assert!(!chaos.is_enabled());
    assert!(first >= 50 * MS && second >= 50 * MS && third < MS, "{first:?} {second:?} {third:?}");
    assert_eq!((chaos.in_flight(), chaos.counts().injected()), (0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads_the_budget_is_exact_and_ends_once() {
    for _ in 0..20 {
        let chaos = failing().budget(100).enabled().build().expect("valid");
        let heard = Recorder::default();
        chaos.listeners().add(heard.clone());
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let chaos = chaos.clone();
            tasks.spawn(async move {
                let pipeline = Pipeline::builder("shop").layer(chaos).build().expect("valid");
                let mut failed = 0;
                for _ in 0..100 {
                    let call = pipeline.call(async || Ok::<_, io::Error>(()));
                    failed += u32::from(call.await.is_err());
                    tokio::task::yield_now().await;
                }
                failed
            });
        }
        assert_eq!(tasks.join_all().await.iter().sum::<u32>(), 100);
        assert_eq!((chaos.counts().injected(), chaos.in_flight()), (100, 0));
        assert_eq!(ends(&heard), ["budget"]);
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_marker_cant_be_written_it_says_so_and_ends() {
    let file = marker("folder").join("not there");
    let chaos = failing().budget(1).end_marker(file).enabled().build().expect("valid");
    let heard = Recorder::default();
    chaos.listeners().add(heard.clone());
    assert_eq!(play(&chaos).await.0, 1);
    assert!(!chaos.is_enabled());
    heard.assert_kinds(&["injected", "ineffective", "injection_ended"]);
}

const MARKER: &str = "SEAWALL_CHAOS_MARKER";

/// The process of the next test: how many of its calls failed is how it exits.
#[tokio::test(start_paused = true)]
#[ignore = "a process of another test"]
async fn a_process_with_chaos() {
    let Some(file) = std::env::var_os(MARKER) else { return };
    let chaos = failing().budget(3).end_marker(file).enabled().build().expect("valid");
    let (failed, _) = play(&chaos).await;
    std::process::exit(i32::try_from(failed).expect("at most 100"));
}

#[test]
fn another_process_does_not_begin_it_again() {
    let file = marker("process");
    let run = || {
        let mut process = Command::new(std::env::current_exe().expect("a test is a file"));
        process.args(["--exact", "ends::a_process_with_chaos", "--ignored"]).env(MARKER, &file);
        process.output().expect("it starts").status.code()
    };
    assert_eq!(run(), Some(3));
    assert_eq!(run(), Some(0), "after a restart");
    std::fs::remove_file(&file).expect("it ended");
    assert_eq!(run(), Some(3), "the marker is all that keeps it off");
    std::fs::remove_file(&file).expect("it ended");
}

//! What ends it ends it for good, and says so.

use std::io;

use seawall::{EventKind, Pipeline};
use seawall_chaos::{Chaos, ChaosCounts};
use seawall_testkit::Recorder;

use crate::{Errors, MS, failing};

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
    let ended = |kind: &EventKind| match kind {
        EventKind::InjectionEnded { why, .. } => Some(*why),
        _ => None,
    };
    (failed, heard.events().iter().filter_map(|event| ended(&event.kind)).collect())
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

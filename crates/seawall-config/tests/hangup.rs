//! SIGHUP, in a process of its own.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use seawall_config::{Config, Pipelines, Reload};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

fn with_timeout(seconds: u32) -> String {
    format!("[pipelines.a]\nbase = \"standard\"\ntimeout = \"{seconds}s\"\n")
}

fn hang_up() {
    let process = std::process::id().to_string();
    assert!(Command::new("kill").args(["-HUP", &process]).status().unwrap().success());
}

#[tokio::test]
async fn three_signals_are_one_reload() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hangup.toml");
    fs::write(&file, with_timeout(2)).unwrap();
    let pipelines = Pipelines::builder(&Config::from_toml(&with_timeout(1)).unwrap()).build();
    let pipelines = pipelines.unwrap();
    let (sender, mut reports) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let watch = pipelines
        .watch(&file)
        .every(Duration::from_hours(1))
        .on_hangup()
        .report(move |reload| drop(sender.send(reload.clone())));
    let running = tokio::spawn(watch.run(stop.clone()));
    // The file said something else than the program: the first look takes it, and then the watch listens.
    let mut next = async || {
        let next = tokio::time::timeout(Duration::from_mins(1), reports.recv()).await;
        let Ok(Some(Reload::Applied(changes))) = next else { panic!("{next:?}") };
        changes.to_string()
    };
    assert!(next().await.contains("\"1s\" → \"2s\""));
    fs::write(&file, with_timeout(3)).unwrap();
    (0..3).for_each(|_| hang_up());
    assert!(next().await.contains("\"2s\" → \"3s\""));
    fs::write(&file, with_timeout(4)).unwrap();
    hang_up();
    // Nothing was told in between.
    assert!(next().await.contains("\"3s\" → \"4s\""));
    stop.cancel();
    running.await.unwrap().unwrap();
    fs::write(&file, with_timeout(5)).unwrap();
    hang_up();
    assert!(reports.recv().await.is_none(), "the watch has ended");
}

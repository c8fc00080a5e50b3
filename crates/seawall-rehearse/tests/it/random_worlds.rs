//! Worlds that nobody thought of are good files, and are played.

use std::collections::BTreeSet;

use seawall_rehearse::{RandomReport, Scenario, Stack, random_world};

#[test]
fn every_world_is_a_file_that_can_be_read() {
    let mut kinds = BTreeSet::new();
    let mut many = 0;
    for number in 1..=600 {
        let text = random_world(7, number);
        let scenario =
            Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        assert_eq!(scenario.name(), format!("world-7-{number}"));
        assert_eq!(text, random_world(7, number), "the same each time");
        many += u32::from(text.contains("backends = "));
        let kind = text.lines().filter_map(|line| line.strip_prefix("kind = "));
        kinds.extend(kind.map(str::to_owned));
    }
    assert!((80..160).contains(&many), "{many} have several servers");
    assert_eq!(kinds.len(), 13, "every fault is drawn: {kinds:?}");
    assert_ne!(random_world(7, 1), random_world(8, 1));
}

#[test]
fn distributions_come_out() {
    // Small ones, so that a debug build is through soon.
    let small = |number: &u64| {
        let text = random_world(1, *number);
        let rate =
            text.lines().find_map(|line| line.strip_prefix("rate = ")).map(str::parse::<f64>);
        rate.is_some_and(|rate| rate.is_ok_and(|rate| rate < 20.0))
    };
    let number = (1..400).find(small).expect("a small world");
    let report = RandomReport::play(1, number, 1, &[Stack::standard()], |_| {}).expect("playable");
    assert_eq!(report.worst("standard", 10), [number]);
    assert!(report.worse_than_none("none") == 0);
    let table = report.table();
    assert!(table.contains("1 worlds of seed 1") && table.contains("omniscient"), "{table}");
}

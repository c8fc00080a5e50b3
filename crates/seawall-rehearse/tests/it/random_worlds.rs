//! Worlds that nobody thought of are good files, and are played.

use std::collections::BTreeSet;

use seawall_rehearse::{Cell, RandomRehearsal, RandomReport, Scenario, Stack, Worlds};

const USUAL: Worlds = Worlds::Usual;

#[test]
fn every_world_is_a_file_that_can_be_read() {
    let mut kinds = BTreeSet::new();
    let mut many = 0;
    for number in 1..=600 {
        let text = USUAL.file(7, number);
        let scenario =
            Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        assert_eq!(scenario.name(), format!("world-7-{number}"));
        assert_eq!(text, USUAL.file(7, number), "the same each time");
        many += u32::from(text.contains("backends = "));
        let kind = text.lines().filter_map(|line| line.strip_prefix("kind = "));
        kinds.extend(kind.map(str::to_owned));
    }
    assert!((80..160).contains(&many), "{many} have several servers");
    assert_eq!(kinds.len(), 13, "every fault is drawn: {kinds:?}");
    assert_ne!(USUAL.file(7, 1), USUAL.file(8, 1));
}

/// The value of a field of a file, as a number.
fn field(text: &str, name: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?.trim_matches('"');
    let (number, times) = match value.strip_suffix("ms") {
        Some(ms) => (ms, 1e-3),
        None => (value.trim_end_matches('s'), 1.0),
    };
    number.parse::<f64>().ok().map(|number| number * times)
}

#[test]
fn worlds_are_drawn_from_the_stated_distributions() {
    let (mut endless, mut without) = (0, 0);
    let (mut loads, mut clients) = (Vec::new(), Vec::new());
    for number in 1..=1_000 {
        let text = USUAL.file(11, number);
        let scenario = Scenario::parse(&text).expect("a valid file");
        let rate = field(&text, "rate = ").expect("a rate");
        assert!((0.499..=10_001.0).contains(&rate), "{text}");
        let load = rate / scenario.capacity();
        // Times in files are rounded, and slots of several servers are rounded up.
        assert!((0.03..=1.0).contains(&load), "{load}: {text}");
        loads.push(load);
        clients.push(field(&text, "clients = ").expect("clients"));
        assert!((0.004..=60.01).contains(&field(&text, "deadline = ").expect("a time")), "{text}");
        endless += u32::from(text.contains("queue = \"endless\""));
        without += u32::from(text.contains("queue = 0\n"));
        let faults = text.matches("[[fault]]").count();
        assert!((1..=3).contains(&faults));
        for length in text.lines().filter_map(|line| line.strip_prefix("for = ")) {
            let length = field(&format!("for = {length}"), "for = ").expect("a time");
            assert!((0.99..=60.1).contains(&length), "{text}");
        }
    }
    for count in [endless, without] {
        assert!((120..220).contains(&count), "a sixth each: {endless}, {without}");
    }
    // The median of a logarithm that is evenly distributed is the geometric mean of both ends.
    clients.sort_by(f64::total_cmp);
    assert!((7.0..=14.0).contains(&clients[500]), "{}", clients[500]);
    loads.sort_by(f64::total_cmp);
    // Rates above 10,000 are drawn again, so that loads are a little lower.
    assert!((0.13..=0.26).contains(&loads[500]), "{}", loads[500]);
}

#[test]
fn harder_worlds_are_files_too_and_have_every_trait() {
    let mut traits = BTreeSet::new();
    for number in 1..=600 {
        let text = Worlds::Harder.file(7, number);
        let scenario =
            Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        assert_eq!(scenario.name(), format!("harder-7-{number}"));
        let first = text.lines().next().and_then(|line| line.split_once("harder: "));
        let words = first.and_then(|(_, words)| words.split_once(';')).expect("traits").0;
        traits.extend(words.split(", ").map(str::to_owned));
        for (word, line) in [
            ("aware", "aware = true"),
            ("crowded", "crowding = "),
            ("newest first", "lifo"),
            ("one bad", "backends = "),
            ("waves", "surges = "),
            ("closed", "closed = "),
            ("mixed", "short = "),
        ] {
            assert!(!words.contains(word) || text.contains(line), "{word}: {text}");
        }
    }
    assert_eq!(traits.len(), 10, "{traits:?}");
}

/// Small ones, so that a debug build is through soon.
fn small() -> RandomReport {
    let small = |seed: &u64| {
        (1..=2).all(|number| field(&USUAL.file(*seed, number), "rate = ").is_some_and(|r| r < 30.0))
    };
    let seed = (1..400).find(small).expect("two small worlds");
    let rehearsal = RandomRehearsal::new(USUAL, vec![seed], 2).stacks(vec![Stack::standard()]);
    rehearsal.run().expect("playable")
}

#[test]
fn distributions_are_shown() {
    let report = small();
    assert_eq!(report.len(), 2);
    assert_eq!(report.worst("standard", 10).len(), 2);
    assert_eq!(report.worse_than_none("none"), 0);
    let table = report.table();
    assert!(table.contains("2 worlds of seed ") && table.contains("omniscient"), "{table}");
    assert!(report.table_by_kind("standard").lines().count() >= 2);
    let svg = report.svg();
    assert!(svg.starts_with("<svg") && svg.matches("class=\"line").count() == 4 + 4 + 3, "{svg}");
}

/// Cells with these losses, of none, naive, standard and the omniscient client, in worlds of the seed 5.
fn cells(losses: &[[f64; 4]]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (world, losses) in (1..).zip(losses) {
        for (stack, loss) in ["none", "naive", "standard", "omniscient"].into_iter().zip(losses) {
            let cell = serde_json::json!({
                "seed": 5, "world": world, "stack": stack, "loss": loss, "requests": 1.0 + loss,
                "calls_in_health": 1_000.0, "refused_in_health": if *loss < 2.0 { 0.0 } else { 2.0 },
            });
            cells.push(serde_json::from_value(cell).expect("a cell"));
        }
    }
    cells
}

#[test]
fn figures_are_those_of_a_computation_by_hand() {
    let known = cells(&[
        [10.0, 10.0, 4.0, 4.0],
        [2.0, 2.0, 1.0, 0.0],
        // Worse than none, by more than 0.3 s and 3 %.
        [1.0, 1.0, 1.4, 1.0],
        // Not by so much.
        [20.0, 20.0, 20.8, 20.0],
        // Better than the omniscient client.
        [5.0, 5.0, 3.0, 4.0],
    ]);
    let rehearsal = RandomRehearsal::new(USUAL, vec![5], 5).stacks(vec![Stack::standard()]);
    let report = rehearsal.known(known.clone()).run().expect("nothing has to be played");
    assert!(report.cells().eq(&known), "known cells are believed");
    // 6 + 1 - 0.4 - 0.8 + 2 of 6 + 2 + 0 + 0 + 1.
    let gain = report.gain("standard").expect("something can be gained");
    assert!((gain.share - 7.8 / 9.0).abs() < 1e-9, "{gain:?}");
    assert!(gain.least < gain.share && gain.share < gain.most, "{gain:?}");
    assert_eq!(Some(gain), report.gain("standard"), "the bootstrap is the same each time");
    let best = report.gain_of_best("standard").expect("something can be gained").share;
    assert!((best - 7.8 / 10.0).abs() < 1e-9, "{best}");
    assert!((report.gain("omniscient").expect("its own").share - 1.0).abs() < 1e-9);
    assert_eq!(report.worse_than_none("standard"), 1);
    assert_eq!(report.worst("standard", 2), [(5, 2), (5, 4)]);
    let (requests, above) = report.requests("standard");
    assert!(requests <= 21.8 && above <= 5, "{requests} {above}");
    let (refused, above) = report.refused_in_health("standard");
    assert!(refused <= 0.002 && above <= 3, "{refused} {above}");
    assert_eq!(report.set(6).len(), 0);
    assert_eq!(report.set(5).len(), 5);
}

/// The least and the most that one world with one stack can differ: a cell is the median of three seeds.
#[test]
fn a_cell_is_the_median_of_three_seeds() {
    let report = small();
    let cell = report.cells().find(|cell| cell.stack == "none").expect("a cell");
    let scenario = Scenario::parse(&USUAL.file(cell.seed, cell.world)).expect("a valid file");
    let first = scenario.seed();
    let report = crate::play(&scenario.with_seeds(first, 3), vec![Stack::none()]);
    let mut losses: Vec<_> = report.stacks[0].runs.iter().map(|run| run.loss).collect();
    losses.sort_by(f64::total_cmp);
    assert_eq!(cell.loss.to_bits(), losses[1].to_bits());
}

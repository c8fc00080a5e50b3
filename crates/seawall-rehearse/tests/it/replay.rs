//! The same scenario and seed give the same bytes: again, on other threads, in debug and release.

use seawall_rehearse::{Rehearsal, Scenario, Stack};

use crate::{SERVER, fault, play, scenario};

fn everything() -> Scenario {
    let text = format!(
        "seeds = 2\nwatch = '10s'\n[load]\nrate = 140\nclients = 3\ndeadline = '500ms'\nattempt = '100ms'\n\
         short = {{ share = 0.2, deadline = '150ms' }}\n{SERVER}\n{}[[stack]]\npipeline = 'standard'\n\
         [[stack]]\npipeline = 'limited'\n",
        fault("freeze"),
    );
    Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn a_report_replays_to_the_byte() {
    let once = Rehearsal::new(everything()).run().expect("playable");
    let again = Rehearsal::new(everything()).threads(1).run().expect("playable");
    assert_eq!(once.json(), again.json());
    assert_eq!(once.html(), again.html());
    assert_eq!(once.table(), again.table());
}

#[test]
fn other_seeds_are_other_runs() {
    let runs = play(&scenario(140, &fault("freeze")).with_seeds(1, 3), vec![Stack::none()]);
    let runs = &runs.stacks[0].runs;
    assert!(runs[0] != runs[1] && runs[1] != runs[2]);
    let stack =
        &play(&scenario(140, &fault("freeze")).with_seeds(1, 3), vec![Stack::none()]).stacks[0];
    let mut losses: Vec<_> = runs.iter().map(|run| run.loss).collect();
    losses.sort_by(f64::total_cmp);
    assert_eq!(
        [stack.median.loss, stack.worst.loss].map(f64::to_bits),
        [losses[1], losses[2]].map(f64::to_bits)
    );
}

#[test]
fn one_run_says_that_it_is_one_run() {
    let report = play(&scenario(50, &fault("down")), vec![Stack::none()]);
    assert!(report.table().contains("one run is one run"));
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Of stacks that hold no policy that may change. The figure is the same in debug and release, and on
/// every machine. A change to the servers' machine changes it.
#[test]
fn the_bytes_are_these() {
    let rest = fault("slow") + "times = 3\n" + &fault("errors") + "share = 0.2";
    let report = play(&scenario(150, &rest), vec![Stack::omniscient()]);
    // JSON and picture.
    let hashes = [hash(&report.json()), hash(&report.svg())];
    assert_eq!(hashes, [0x2621_1fbd_b07d_e4aa, 0x1f05_e13e_b394_5c7d], "{hashes:x?}");
}

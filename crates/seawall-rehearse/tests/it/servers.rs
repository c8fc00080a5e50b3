//! What kind of server it is makes a difference.

use seawall_rehearse::{Figures, Scenario, Stack};

use crate::{SERVER, fault, play};

fn none(server: &str) -> Figures {
    let text =
        format!("[load]\nrate = 160\ndeadline = '500ms'\n{SERVER}{server}\n{}", fault("freeze"));
    let scenario = Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    play(&scenario, vec![Stack::none()]).stacks[0].runs[0].clone()
}

#[test]
fn a_server_that_is_aware_of_callers_that_left_wastes_nothing() {
    let (unaware, aware) = (none(""), none("aware = true"));
    assert!(unaware.wasted > 0.1, "{unaware:?}");
    assert!(aware.wasted < 1e-9, "{aware:?}");
    assert!(aware.loss < unaware.loss, "{aware:?} {unaware:?}");
}

#[test]
fn the_newest_first_recovers_sooner_from_a_freeze() {
    let (fifo, lifo) = (none(""), none("discipline = 'lifo'"));
    assert!(lifo.recovery < fifo.recovery, "{lifo:?} {fifo:?}");
    assert!(lifo.loss < fifo.loss, "{lifo:?} {fifo:?}");
}

#[test]
fn a_crowd_that_slows_a_server_down_keeps_an_outage_alive() {
    let crowding =
        |times: &str| none(&format!("crowding = {{ from = 20, until = 300, times = {times} }}"));
    let (usual, slower, slow) = (none(""), crowding("1.2"), crowding("3"));
    assert!(
        slower.recovery > usual.recovery && slower.recovery.is_finite(),
        "{slower:?} {usual:?}"
    );
    assert!(slower.loss > usual.loss, "{slower:?} {usual:?}");
    assert!(slow.recovery.is_infinite(), "{slow:?}");
    // While few are inside it is a server like any other.
    assert!((slow.lost_in_health - usual.lost_in_health).abs() < 0.02, "{slow:?} {usual:?}");
}

#[test]
fn without_a_queue_there_is_nothing_to_work_off() {
    let (endless, none) = (none("").recovery, none_without_queue().recovery);
    assert!(none < 0.6 && endless > none, "{endless} {none}");
}

fn none_without_queue() -> Figures {
    let server = SERVER.replace("queue = 300", "queue = 0").replace("slots = 4", "slots = 8");
    let text = format!("[load]\nrate = 100\ndeadline = '500ms'\n{server}\n{}", fault("freeze"));
    let scenario = Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    play(&scenario, vec![Stack::none()]).stacks[0].runs[0].clone()
}

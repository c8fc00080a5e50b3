//! Each fault does what it says.

use seawall_rehearse::{Figures, Scenario, Stack};

use crate::{fault, play, scenario};

fn none(scenario: &Scenario) -> Figures {
    play(scenario, vec![Stack::none()]).stacks[0].runs[0].clone()
}

#[test]
fn what_is_gone_answers_nothing() {
    for kind in ["down", "refuse", "black_hole", "freeze"] {
        let figures = none(&scenario(60, &fault(kind)));
        assert!(figures.goodput_during < 0.3, "{kind}: {figures:?}");
        assert!(figures.loss > 1.4, "{kind}: {figures:?}");
        assert!(figures.goodput_after > 0.9, "{kind}: {figures:?}");
    }
}

#[test]
fn a_share_is_a_share() {
    for kind in ["vanish", "errors"] {
        let text = fault(kind).replace("for = '2s'", "for = '20s'") + "share = 0.4";
        let figures = none(&scenario(60, &text));
        assert!((figures.goodput_during - 0.6).abs() < 0.05, "{kind}: {figures:?}");
    }
}

#[test]
fn what_is_slow_or_small_is_overloaded() {
    for (kind, more) in [
        ("slow", "times = 5"),
        ("ramp", "times = 20"),
        ("slots", "left = 1"),
        ("cold_start", "times = 20"),
    ] {
        let text = fault(kind).replace("for = '2s'", "for = '4s'") + more;
        let figures = none(&scenario(150, &text));
        assert!(figures.goodput_during < 0.8, "{kind}: {figures:?}");
        // At a tenth of the load none of it matters much.
        let figures = none(&scenario(5, &text));
        assert!(figures.goodput_during > 0.75, "{kind}: {figures:?}");
    }
}

#[test]
fn turns_are_turns() {
    // Down for half of the time, and a third of it paused.
    let figures = none(&scenario(
        60,
        &(fault("flapping").replace("for = '2s'", "for = '10s'") + "every = '500ms'"),
    ));
    assert!((figures.goodput_during - 0.5).abs() < 0.1, "{figures:?}");
    let text = fault("pauses").replace("for = '2s'", "for = '10s'") + "every = '2s'\npause = '1s'";
    let figures = none(&scenario(30, &text));
    // Calls of the last half second of a pause are answered after it, but for the time in which the
    // server works on those of the first half.
    assert!((0.55..0.8).contains(&figures.goodput_during), "{figures:?}");
}

#[test]
fn one_of_several_servers() {
    let text = fault("down").replace("for = '2s'", "for = '10s'") + "backend = 2";
    let scenario = |choice: &str| {
        let server =
            format!("[server]\nbackends = 4\nchoice = '{choice}'\nslots = 4\nservice = '20ms'\n");
        let text = format!("[load]\nrate = 100\ndeadline = '500ms'\n{server}\n{text}");
        Scenario::parse(&text).expect("a valid scenario")
    };
    for choice in ["round_robin", "random"] {
        let figures = none(&scenario(choice));
        assert!((figures.goodput_during - 0.75).abs() < 0.04, "{choice}: {figures:?}");
    }
}

#[test]
fn a_deploy_takes_one_server_at_a_time() {
    let text = "[load]\nrate = 100\ndeadline = '500ms'\n[server]\nbackends = 4\nslots = 4\nservice = '20ms'\n\
                [[fault]]\nkind = 'deploy'\nat = '2s'\nfor = '8s'\ndown = '1s'\ntimes = 2";
    let figures = none(&Scenario::parse(text).expect("a valid scenario"));
    // A quarter of the servers, half of the time.
    assert!((figures.goodput_during - 0.875).abs() < 0.03, "{figures:?}");
}

#[test]
fn faults_overlap() {
    let both = fault("errors") + "share = 0.5\n" + &fault("vanish") + "share = 0.5";
    let figures = none(&scenario(100, &both.replace("for = '2s'", "for = '20s'")));
    assert!((figures.goodput_during - 0.25).abs() < 0.04, "{figures:?}");
}

#[test]
fn a_surge_is_more_load() {
    let text =
        "[load]\nrate = 100\ndeadline = '500ms'\nsurges = [{ at = '2s', for = '3s', times = 4 }]";
    let text = format!("{text}\n{}", crate::SERVER);
    let figures = none(&Scenario::parse(&text).expect("a valid scenario"));
    // 400 calls a second for three seconds, 100 for ten: at a server of 200.
    assert!((2_000.0..2_400.0).contains(&figures.calls), "{figures:?}");
    assert!(figures.goodput_during < 0.7, "{figures:?}");
}

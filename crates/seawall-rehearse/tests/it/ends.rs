//! Every run ends.

use seawall::Pipeline;
use seawall_rehearse::{Answer, Clock, Rehearsal, Scenario, Stack};

use crate::{SERVER, fault, play, scenario};

#[test]
fn users_that_never_stop_stop_at_the_end() {
    let text = format!(
        "for = '20s'\n[load]\nclosed = {{ users = 20, think = '100ms' }}\ndeadline = '500ms'\n{SERVER}"
    );
    let scenario = Scenario::parse(&text).expect("a valid scenario");
    let report = play(&scenario, vec![Stack::none(), Stack::omniscient()]);
    for stack in &report.stacks {
        // Each user makes a call in about 120 ms.
        let calls = stack.runs[0].calls;
        assert!((2_500.0..3_700.0).contains(&calls), "{calls}");
        assert!(stack.runs[0].loss < 1.0);
    }
}

#[test]
fn a_fault_without_an_end_lasts_as_long_as_the_run() {
    let text = format!(
        "for = '5s'\n[load]\nrate = 50\ndeadline = '500ms'\n{SERVER}\n[[fault]]\nkind = 'black_hole'\nat = '2s'"
    );
    let scenario = Scenario::parse(&text).expect("a valid scenario");
    let report = play(&scenario, vec![Stack::none(), Stack::standard()]);
    for stack in &report.stacks {
        assert!((2.5..3.5).contains(&stack.runs[0].loss), "{:?}", stack.runs[0]);
    }
}

#[test]
fn a_pipeline_without_a_timeout_is_given_up() {
    let forever = Stack::pipeline(
        "forever",
        |_| Pipeline::builder("forever").build(),
        |answer| if answer == Answer::Done { Ok(()) } else { Err(answer) },
    );
    let report = play(&scenario(50, &fault("black_hole")), vec![forever]);
    let figures = &report.stacks[0].runs[0];
    assert!((1.5..2.5).contains(&figures.loss), "{figures:?}");
    assert!(figures.recovery < 0.6, "{figures:?}");
}

#[test]
fn an_hour_is_played_and_memory_does_not_follow_it() {
    let text = format!(
        "for = '3600s'\nwatch = '3600s'\n[load]\nrate = 5\ndeadline = '500ms'\n{SERVER}\n[[fault]]\nkind = 'down'\nat = '10s'\nfor = '1s'"
    );
    let scenario = Scenario::parse(&text).expect("a valid scenario");
    let report = play(&scenario, vec![Stack::none()]);
    let timeline = &report.stacks[0].timeline;
    assert!(timeline.calls.iter().sum::<u32>() > 17_000 && timeline.calls.len() <= 2_100);
}

#[test]
fn ten_thousand_clients_are_played() {
    let rest = fault("down");
    let text = format!("[load]\nrate = 200\nclients = 10000\ndeadline = '500ms'\n{SERVER}\n{rest}");
    let scenario = Scenario::parse(&text).expect("a valid scenario");
    let report = play(&scenario, vec![Stack::none(), Stack::standard()]);
    assert!(report.stacks.iter().all(|stack| stack.runs[0].calls > 2_000.0));
}

#[test]
fn the_real_clock_comes_to_the_same_nearly() {
    let text = format!(
        "for = '2s'\n[load]\nrate = 100\ndeadline = '500ms'\n{SERVER}\n[[fault]]\nkind = 'down'\nat = '500ms'\nfor = '500ms'"
    );
    let scenario = Scenario::parse(&text).expect("a valid scenario");
    let loss = |clock| {
        let rehearsal = Rehearsal::of(scenario.clone(), vec![Stack::none()]).clock(clock);
        rehearsal.run().expect("playable").stacks[0].runs[0].loss
    };
    let virtually = loss(Clock::Virtual);
    assert!((0.4..0.7).contains(&virtually), "{virtually}");
    // A machine that is busy makes calls late, and then it says nothing. One that is calm for two seconds
    // is enough.
    let really = std::iter::repeat_with(|| loss(Clock::Real)).take(15);
    let mut seen = Vec::new();
    let agrees = really.inspect(|loss| seen.push(*loss)).any(|loss| (loss - virtually).abs() < 0.1);
    assert!(agrees, "{seen:?}, {virtually}");
}

//! The transition table, printed: as the diagram of the docs, and as what every state does on every
//! trigger.

use std::fmt::Write;

use seawall_core::CircuitState::{self, Closed, ForcedClosed, ForcedOpen, HalfOpen, Open, Ramping};

use crate::machine::Trigger;
use crate::machine::table::{TABLE, next};

const TRIGGERS: [Trigger; 12] = [
    Trigger::Tripped,
    Trigger::WaitOver,
    Trigger::ProbesPassed,
    Trigger::ProbesPassedRamp,
    Trigger::ProbesFailed,
    Trigger::RampOver,
    Trigger::StageFailed,
    Trigger::ForceOpen,
    Trigger::ForceClosed,
    Trigger::Shadow,
    Trigger::Release,
    Trigger::Reset,
];

fn id(state: CircuitState) -> &'static str {
    match state {
        Closed => "Closed",
        Open => "Open",
        HalfOpen => "HalfOpen",
        Ramping => "Ramping",
        ForcedOpen => "ForcedOpen",
        ForcedClosed => "ForcedClosed",
        _ => "Shadow",
    }
}

/// The rows that no operator makes, as a Mermaid diagram.
fn diagram() -> String {
    let mut text = String::from("stateDiagram-v2\n    [*] --> Closed\n");
    for row in TABLE.iter().filter(|row| !row.on.is_operators()) {
        let line = format!("    {} --> {}: {}\n", id(row.from), id(row.to), row.on.as_str());
        text.push_str(&line);
    }
    text
}

/// Every state on every trigger.
fn matrix() -> String {
    let mut text = String::new();
    for state in CircuitState::ALL {
        for trigger in TRIGGERS {
            let to = next(state, trigger).map_or("-", CircuitState::as_str);
            writeln!(text, "{} | {} | {to}", state.as_str(), trigger.as_str()).unwrap();
        }
    }
    text
}

#[test]
fn every_state_on_every_trigger_does_what_is_written_down() {
    let written = include_str!("transitions.txt");
    let actual = matrix();
    assert!(actual == written, "transitions.txt is not what the table says:\n{actual}");
}

#[test]
fn no_state_has_two_answers_to_one_trigger() {
    for (n, row) in TABLE.iter().enumerate() {
        let again =
            TABLE[n + 1..].iter().find(|other| other.from == row.from && other.on == row.on);
        assert!(again.is_none(), "{row:?} and {again:?}");
    }
}

#[test]
fn the_diagram_in_the_docs_is_drawn_from_the_table() {
    let (diagram, page) = (diagram(), include_str!("../../../../docs/breaker.md"));
    assert!(page.contains(&diagram), "docs/breaker.md lacks the diagram:\n{diagram}");
}

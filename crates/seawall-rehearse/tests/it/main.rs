//! The rehearsal as a whole.

mod a_healthy_load_is_refused;
mod a_scenario_that_names_a_device_takes_all_memory;
mod a_share_of_errors_is_refused;
mod a_sweep_over_a_long_range_panics;
mod arithmetic;
mod ends;
mod faults;
mod from_a_test;
mod metastability;
mod mistakes;
mod mixed_deadlines;
mod ok_503_counts_as_a_fallback;
mod omniscient;
mod promises;
mod published_comparison;
mod random_worlds;
mod replay;
mod reports;
mod rules_show_their_harm;
mod servers;
mod sweep;

use seawall_rehearse::{Rehearsal, Report, Scenario, Stack};

/// A server of 200 requests a second.
const SERVER: &str = "
[server]
slots = 4
service = { kind = 'exponential', mean = '20ms' }
queue = 300
";

/// A scenario with that server, `rate` calls a second with 500 ms each, and `rest`.
fn scenario(rate: u32, rest: &str) -> Scenario {
    let text = format!("[load]\nrate = {rate}\ndeadline = '500ms'\n{SERVER}\n{rest}");
    Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
}

/// A fault at two seconds for two seconds.
fn fault(kind: &str) -> String {
    format!("[[fault]]\nkind = '{kind}'\nat = '2s'\nfor = '2s'\n")
}

fn play(scenario: &Scenario, stacks: Vec<Stack>) -> Report {
    Rehearsal::of(scenario.clone(), stacks).run().expect("playable stacks")
}

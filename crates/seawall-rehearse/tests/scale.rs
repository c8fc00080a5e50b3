//! What a rehearsal costs. In a process of its own, as memory and processor time are counted for a whole
//! process.
#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use seawall_rehearse::{Rehearsal, Scenario, Stack};

/// One test at a time: what is measured is of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn scenario(rate: u32, seconds: u32) -> Scenario {
    let mut text = format!(
        "for = '{seconds}s'\n[load]\nrate = {rate}\nclients = 10\ndeadline = '500ms'\nattempt = '100ms'\n\
         [server]\nslots = 10\nservice = {{ kind = 'exponential', mean = '10ms' }}\n"
    );
    // A fault in each minute, as what is kept must not grow with those either.
    for minute in 0..seconds / 60 {
        let at = minute * 60 + 20;
        let _ = write!(text, "[[fault]]\nkind = 'freeze'\nat = '{at}s'\nfor = '2s'\n");
    }
    Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn play(scenario: Scenario, stacks: Vec<Stack>) -> f64 {
    let report = Rehearsal::of(scenario, stacks).threads(1).run().expect("playable");
    report.stacks.iter().map(|stack| f64::from(stack.timeline.calls.iter().sum::<u32>())).sum()
}

/// The most memory that this process ever had, in KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Processor time of this process, in seconds: of the fields after the name, which is in brackets, the
/// twelfth and thirteenth, in hundredths.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() / 100.0
}

#[test]
fn memory_is_flat_over_an_hour() {
    let _alone = alone();
    let stacks = || vec![Stack::none(), Stack::naive(), Stack::standard(), Stack::omniscient()];
    let minute = play(scenario(30, 120), stacks());
    let after_a_minute = most_memory();
    let hour = play(scenario(30, 3_600), stacks());
    let growth = most_memory() - after_a_minute;
    assert!(hour > 25.0 * minute, "{minute} and {hour} calls");
    // Slices of the timeline, up to 2,000 of each stack, and the pages of the allocator.
    assert!(growth < 3_000, "{growth} KiB more after {hour} calls");
}

#[test]
#[ignore = "measures: wants release"]
fn three_hundred_thousand_calls_a_second_of_processor_time() {
    let _alone = alone();
    for clients in [1, 10] {
        let began = processor_time();
        let calls = play(scenario(700, 600).with_clients(clients), vec![Stack::standard()]);
        let each_second = calls / (processor_time() - began);
        println!("{clients} clients: {each_second:.0} calls a second of processor time");
        assert!(each_second > 300_000.0, "{each_second}");
    }
    let began = most_memory();
    play(scenario(700, 3_600), vec![Stack::standard()]);
    println!("an hour of 700 calls a second: {began} KiB before, {} KiB after", most_memory());
}

/// The scenario of a user's test.
#[test]
fn a_rehearsal_takes_a_second_of_processor_time() {
    let _alone = alone();
    let began = processor_time();
    play(scenario(80, 60), vec![Stack::standard()]);
    let took = processor_time() - began;
    println!("{took:.2} s");
    assert!(took < 1.0, "{took} s");
}

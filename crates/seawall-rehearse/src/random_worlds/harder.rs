//! Worlds that are harder than most: what a rule that was tuned on the usual ones may not expect.

use std::fmt::Write as _;

use super::{Draws, Size, describe, display, kind, size, tail};
use crate::time;

/// What makes a world harder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trait {
    /// Servers end work whose caller has left.
    Aware,
    /// Servers get slower the more waits at them.
    Crowded,
    /// Servers take the newest request first.
    NewestFirst,
    /// Calls differ a hundredfold.
    Hundredfold,
    /// Several servers, and only one of them has the faults.
    OneBad,
    /// Two to four faults, which begin within two seconds.
    Overlapping,
    /// Many clients, which start together a moment before a fault or in it.
    Together,
    /// Steps and waves of load.
    Waves,
    /// Users that wait for the answer, think, and call again.
    Closed,
    /// Deadlines of two lengths.
    Mixed,
}

/// Calls a second in the highest wave.
const MOST: f64 = 20_000.0;

const ALL: [(&str, Trait); 10] = [
    ("aware", Trait::Aware),
    ("crowded", Trait::Crowded),
    ("newest first", Trait::NewestFirst),
    ("hundredfold", Trait::Hundredfold),
    ("one bad", Trait::OneBad),
    ("overlapping", Trait::Overlapping),
    ("together", Trait::Together),
    ("waves", Trait::Waves),
    ("closed", Trait::Closed),
    ("mixed", Trait::Mixed),
];

/// One to three of them. Users that wait for answers start at their own pace, and set the load.
fn traits(draws: &mut Draws) -> Vec<(&'static str, Trait)> {
    let count = draws.whole(0.6, 3.4).max(1);
    let mut chosen: Vec<(&'static str, Trait)> = Vec::new();
    let words = ALL.map(|one| one.0);
    for _ in 0..count {
        let word = draws.of(&words);
        let one = ALL.into_iter().find(|one| one.0 == word).unwrap_or(ALL[0]);
        let has = |other: Trait| chosen.iter().any(|known| known.1 == other);
        let excluded = match one.1 {
            Trait::Closed => has(Trait::Together) || has(Trait::Waves),
            Trait::Together | Trait::Waves => has(Trait::Closed),
            _ => false,
        };
        if !excluded && !has(one.1) {
            chosen.push(one);
        }
    }
    chosen
}

/// World `number` of `seed`, as a file. Its first line names what makes it hard.
pub(super) fn world(seed: u64, number: u64) -> String {
    let mut draws = Draws::new(!seed, number);
    let traits = traits(&mut draws);
    let has = |one: Trait| traits.iter().any(|known| known.1 == one);
    let size = size(&mut draws);
    let least = if has(Trait::Hundredfold) { 20.0 } else { 5.0 };
    let deadline = (draws.log(least, 1_000.0) * size.service).min(60.0);
    let clients =
        if has(Trait::Together) { draws.whole(20.0, 200.0) } else { draws.whole(1.0, 100.0) };
    let backends = match () {
        () if has(Trait::OneBad) => draws.whole(2.0, 8.0),
        () if draws.happens(0.2) => draws.whole(2.0, 4.0),
        () => 1,
    };
    let slots = size.slots.div_ceil(backends);
    let names: Vec<_> = traits.iter().map(|one| one.0).collect();
    let mut text = format!(
        "# World {number} of seed {seed}, harder: {}; {:.0} % load.\nversion = 1\nname = \"harder-{seed}-{number}\"\n\
         seed = {}\nwatch = \"10s\"\n\n[load]\nclients = {clients}\ndeadline = \"{}\"\n",
        names.join(", "),
        size.load * 100.0,
        number % u64::from(u32::MAX),
        display(deadline),
    );
    load(&mut draws, &size, deadline, has, &mut text);
    server(&mut draws, &size, (slots, backends), has, &mut text);
    let calm = has(Trait::Waves) && !has(Trait::Overlapping) && draws.happens(0.4);
    let count = match () {
        () if calm => 0,
        () if has(Trait::Overlapping) => draws.whole(2.0, 4.0),
        () => 1,
    };
    let begin = if has(Trait::Together) { draws.log(0.01, 1.0) } else { 9.0 + draws.log(1.0, 4.0) };
    for index in 0..count {
        let kind = kind(&mut draws, backends);
        let later = if index == 0 { 0.0 } else { draws.unit() * 2.0 };
        let when = (begin + later, draws.log(1.0, 60.0));
        describe(&mut draws, kind, when, slots, &mut text);
        if has(Trait::OneBad) && kind != "deploy" {
            let _ = writeln!(text, "backend = {}", draws.whole(1.0, 8.0).min(backends));
        }
    }
    text
}

fn load(
    draws: &mut Draws,
    size: &Size,
    deadline: f64,
    has: impl Fn(Trait) -> bool,
    text: &mut String,
) {
    let Size { service, load, rate, .. } = *size;
    if has(Trait::Closed) {
        let think = draws.log(0.1, 10.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 1e6")]
        let users = (rate * (think + service)).ceil() as u64;
        let think = format!("{{ kind = \"exponential\", mean = \"{}\" }}", display(think));
        let _ = writeln!(text, "closed = {{ users = {users}, think = {think} }}");
    } else {
        let _ = writeln!(text, "rate = {rate:.3}");
    }
    if has(Trait::Mixed) {
        let share = draws.log(0.2, 0.8);
        let least = time::parse(&display(deadline)).map_or(deadline, time::seconds);
        let short = display((least * draws.log(0.05, 0.5)).max(0.001));
        let _ = writeln!(text, "short = {{ share = {share:.2}, deadline = \"{short}\" }}");
    }
    if has(Trait::Waves) {
        let mut at = 10.0;
        let mut waves = Vec::new();
        for _ in 0..draws.whole(1.0, 4.0) {
            let (length, times) = (draws.log(1.0, 20.0), draws.log(1.2, 6.0));
            let times = times.min((MOST / rate).max(1.2));
            waves.push(format!(
                "{{ at = \"{}\", for = \"{}\", times = {times:.2} }}",
                display(at),
                display(length)
            ));
            at += length + draws.log(1.0, 10.0);
        }
        let _ = writeln!(text, "surges = [{}]", waves.join(", "));
        if draws.happens(0.5) {
            // As much more as the servers can stand.
            let times = (0.95 / load).min(draws.log(1.0, 5.0));
            let to = rate * times.min((MOST / rate).max(1.0));
            let (at, over) = (display(draws.log(3.0, 10.0)), draws.log(0.01, 5.0));
            let over = display(over);
            let _ =
                writeln!(text, "steps = [{{ at = \"{at}\", rate = {to:.3}, over = \"{over}\" }}]");
        }
    }
}

fn server(
    draws: &mut Draws,
    size: &Size,
    (slots, backends): (u64, u64),
    has: impl Fn(Trait) -> bool,
    text: &mut String,
) {
    let service = if has(Trait::Hundredfold) {
        hundredfold(draws, size.service)
    } else {
        tail(draws, size.service)
    };
    let _ = write!(text, "\n[server]\nslots = {slots}\nservice = {service}\n");
    if backends > 1 {
        let choice = draws.of(&["round_robin", "random"]);
        let _ = writeln!(text, "backends = {backends}\nchoice = \"{choice}\"");
    }
    let queue = match draws.of(&["none", "endless", "long", "long", "long", "long"]) {
        "endless" => "\"endless\"".to_owned(),
        "none" if !has(Trait::Crowded) && !has(Trait::NewestFirst) => "0".to_owned(),
        _ => draws.whole(10.0, 100_000.0).to_string(),
    };
    let _ = writeln!(text, "queue = {queue}");
    if has(Trait::NewestFirst) {
        text.push_str("discipline = \"lifo\"\n");
    }
    if has(Trait::Aware) || draws.happens(0.1) {
        text.push_str("aware = true\n");
    }
    if has(Trait::Crowded) {
        let until = slots + draws.whole(1.0, 50.0) * slots;
        let times = draws.log(1.5, 10.0);
        let _ =
            writeln!(text, "crowding = {{ from = {slots}, until = {until}, times = {times:.2} }}");
    }
}

/// A distribution with the mean `service`, of which one call may take a hundred times as long as
/// another.
fn hundredfold(draws: &mut Draws, service: f64) -> String {
    // No request takes less than a microsecond.
    let time = |seconds: f64| display(seconds.max(1e-6));
    if draws.happens(0.5) {
        let (share, times) = (draws.log(0.005, 0.1), draws.log(50.0, 200.0));
        let fast = service / (1.0 - share + share * times);
        let (fast, slow) = (time(fast), time(fast * times));
        return format!(
            "{{ kind = \"bimodal\", fast = \"{fast}\", slow = \"{slow}\", slow_share = {share:.3} }}"
        );
    }
    let ratio = draws.log(50.0, 200.0);
    let sigma = crate::chance::ln(ratio) / 2.326_347_874;
    let p50 = service / crate::chance::exp(sigma * sigma / 2.0);
    let (p50, p99) = (time(p50), time(p50 * ratio));
    format!("{{ kind = \"lognormal\", p50 = \"{p50}\", p99 = \"{p99}\" }}")
}

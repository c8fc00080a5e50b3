//! What the scripts work out for themselves is what the store in memory does.

use std::time::Duration;

use redis::Script;
use seawall_capture::store::Resolution;
use seawall_capture::{Clock, Draft, MemoryStore, Timestamp};

use crate::numbers::Numbers;
use crate::server::{Server, failure, record};

const SPIKE: &str = concat!(
    "local spike_config = { bucket = 60000, min_history = 10, min_volume = 10, deviations = 6, cool_down = 3 }\n",
    include_str!("../../src/lua/spike.lua"),
    "
    local spike, answers = spike_new(), {}
    for at = 1, #ARGV, 2 do
        spike = cmsgpack.unpack(cmsgpack.pack(spike))
        spike_observe(spike, tonumber(ARGV[at + 1]), tonumber(ARGV[at]))
        answers[#answers + 1] = spike_is_on(spike, tonumber(ARGV[at])) and 1 or 0
    end
    return answers
    ",
);

#[test]
fn spikes_are_what_they_are_in_memory() {
    let Some(server) = Server::start() else { return };
    let spiking = failure("A");
    let mut ever = 0;
    for seed in 0..20 {
        let mut numbers = Numbers(seed);
        let begin = Timestamp::from_millis(1_700_000_000_000);
        let clock = Clock::manual(begin);
        let store = MemoryStore::builder().clock(clock.clone()).build().unwrap();
        let script = Script::new(SPIKE);
        let mut invocation = script.prepare_invoke();
        let mut expected = Vec::new();
        for _ in 0..300 {
            clock.advance(Duration::from_millis(numbers.below(90_000)));
            let count =
                if numbers.below(12) == 0 { 40 + numbers.below(60) } else { 1 + numbers.below(6) };
            invocation.arg(clock.now().as_millis()).arg(count);
            (0..count).for_each(|_| _ = store.record(&spiking));
            expected.push(store.group(spiking.grouping.fingerprint).unwrap().spiking);
        }
        let answers: Vec<bool> = invocation.invoke(&mut server.admin()).unwrap();
        assert_eq!(answers, expected, "seed {seed}");
        ever += expected.iter().filter(|on| **on).count();
    }
    assert!(ever > 100, "{ever}");
}

const OLDER: &str = concat!(
    include_str!("../../src/lua/version.lua"),
    "return is_broken_by({ version = ARGV[1] }, { 0, ARGV[2], 1 }) and 1 or 0",
);

#[test]
fn versions_are_compared_as_in_memory() {
    let Some(server) = Server::start() else { return };
    let script = Script::new(OLDER);
    let mut admin = server.admin();
    let versions = [
        "",
        "0",
        "1",
        "1.",
        ".1",
        "1.2",
        "1.2.3",
        "1.2.4",
        "1.2.10",
        "01.2",
        "v1.2",
        "vv2",
        "1.2-",
        "1.2-rc.1",
        "1.2-rc.2",
        "1.2-rc.10",
        "1.2+build.5",
        "1.2-rc.1+5",
        "2024-05-01",
        "main",
        "MAIN",
        "é",
        "18446744073709551615",
        "18446744073709551614",
        "-",
        "+",
        "..",
        "1..2",
        "a.b",
        "1.a",
        "1.-2",
        "1.2-rc",
        "a1b2c3d",
        "1a2b3c4",
        "1234567",
    ];
    for fixed in versions {
        for seen in versions {
            let store = MemoryStore::default();
            let first = failure("A");
            let name = first.grouping.fingerprint;
            store.record(&first);
            assert!(store.resolve(name, Resolution::in_version(fixed)));
            store.record(&record(Draft::new("A", "it broke").version(seen)));
            let expected = store.group(name).unwrap().regressed;
            let answer: bool = script.arg(fixed).arg(seen).invoke(&mut admin).unwrap();
            assert_eq!(answer, expected, "fixed in {fixed:?}, seen in {seen:?}");
        }
    }
}

//! What keeps an outage alive after its cause is gone.

use seawall_rehearse::{Rehearsal, Scenario, Stack, find_load};

use crate::{play, scenario};

fn freeze(load_percent: u32) -> Scenario {
    // 200 a second is all.
    scenario(load_percent * 2, "[[fault]]\nkind = 'freeze'\nat = '2s'\nfor = '3s'")
}

#[test]
fn naive_retries_are_metastable_at_70_percent_and_not_at_30() {
    for (load, metastable) in [(70, 1.0), (30, 0.0)] {
        let report = play(&freeze(load), vec![Stack::naive(), Stack::none(), Stack::standard()]);
        let found: Vec<_> = report.stacks.iter().map(|stack| stack.runs[0].metastable).collect();
        assert_eq!(found, [metastable, 0.0, 0.0], "at {load} %: {}", report.table());
    }
}

/// A server of 50 a second, whose queue takes longer than an attempt has, and retries of `attempts`.
fn small(attempts: u32) -> Scenario {
    let text = format!(
        "watch = '120s'\n[load]\nrate = 25\ndeadline = '500ms'\n\
         [server]\nslots = 1\nservice = '20ms'\nqueue = 100\n\
         [[fault]]\nkind = 'freeze'\nat = '2s'\nfor = '3s'\n\
         [[stack]]\nname = 'again'\nattempt = '90ms'\n\
         retry = {{ max_attempts = {attempts}, budget = false, delay = '0ms' }}"
    );
    Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn the_load_from_which_on_is_found_and_is_the_same_each_time() {
    let scenario = small(3);
    let found = find_load(&scenario, &[Stack::naive(), Stack::none()]).expect("an open loop");
    let naive = found[0].load.expect("it is metastable at 70 %");
    // Three requests a call are more than the server can do from a third of its capacity on.
    assert!((0.28..=0.42).contains(&naive), "{naive}");
    assert_eq!(found[1].load, None, "one request a call never is");
    let again = find_load(&scenario, &[Stack::naive()]).expect("an open loop");
    assert_eq!(found[0], again[0]);
}

/// While the queue is longer than an attempt waits, every call sends all its requests, and the queue
/// stays so if they are more than the server can do: from a load of one divided by their number on.
#[test]
fn the_load_is_one_divided_by_the_requests_of_a_call() {
    for (attempts, theory) in [(2, 0.5), (3, 1.0 / 3.0), (4, 0.25), (5, 0.2)] {
        let scenario = small(attempts);
        let stacks = Rehearsal::new(scenario.clone()).stacks().to_vec();
        let stack = stacks.into_iter().find(|stack| stack.name() == "again").expect("the file's");
        let found = find_load(&scenario, &[stack]).expect("an open loop")[0].load;
        let found = found.expect("it is metastable");
        // Near it the queue empties, or does not, by chance while it is watched.
        assert!((theory - 0.05..theory + 0.07).contains(&found), "{attempts}: {found}");
    }
}

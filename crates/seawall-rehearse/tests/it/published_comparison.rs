//! What Marc Brooker's simulations show ("Fixing retries with token buckets and circuit breakers",
//! 2022): retries help at low failure rates and multiply the load at high ones; a budget bounds that;
//! a breaker on retries alone does so for large clients and not for many small ones.

use seawall_rehearse::{Figures, Rehearsal, Scenario};

/// Errors at once of `share` for 20 s at a server that is never busy.
fn play(share: f64, clients: u32) -> Vec<Figures> {
    let text = format!(
        "for = '25s'\n[load]\nrate = 80\nclients = {clients}\ndeadline = '5s'\n\
         [server]\nslots = 1000\nservice = '10ms'\n\
         [[fault]]\nkind = 'errors'\nat_once = true\nshare = {share}\nat = '5s'\nfor = '20s'\n\
         [[stack]]\nname = 'retries'\nretry = {{ max_attempts = 3, budget = false }}\n\
         [[stack]]\nname = 'budget'\nretry = {{ max_attempts = 3, budget = 0.1 }}\n\
         [[stack]]\nname = 'breaker'\nretry = {{ max_attempts = 3, budget = false }}\nbreaker = {{}}\n\
         [[stack]]\nname = 'on retries'\nretry = {{ max_attempts = 3, budget = false }}\n\
         breaker = {{ on = 'retries', failure_rate = 0.1, open_wait = '5s' }}\n"
    );
    let scenario = Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let report = Rehearsal::new(scenario).run().expect("playable");
    let figures = |name: &str| report.stack(name).expect("it was played").runs[0].clone();
    ["none", "retries", "budget", "breaker", "on retries"].map(figures).to_vec()
}

#[test]
fn retries_and_budgets_over_the_failure_rate() {
    for clients in [1, 10] {
        for share in [0.05, 0.5, 1.0] {
            let [none, retries, budget, ..] = &play(share, clients)[..] else {
                panic!("five stacks")
            };
            let at = format!("{clients} clients, {share}: {none:?} {retries:?} {budget:?}");
            // Success: retries above the budget above nothing.
            assert!(retries.goodput_during + 0.02 >= budget.goodput_during, "{at}");
            assert!(budget.goodput_during + 0.02 >= none.goodput_during, "{at}");
            // Load: 1 + p + p² without a budget, at most a tenth and the first tokens with one.
            let load = 1.0 + share + share * share;
            assert!((retries.amplification_during - load).abs() < 0.06, "{at}");
            assert!(
                budget.amplification_during
                    < 1.0 + share.min(0.1) + 0.06 + f64::from(clients) * 0.012,
                "{at}"
            );
        }
    }
}

#[test]
fn where_they_cross() {
    // At a twentieth a budget of a tenth pays for every retry: it is as good as having none.
    let few = play(0.05, 1);
    assert!((few[1].goodput_during - few[2].goodput_during).abs() < 0.01, "{few:?}");
    // At a half it pays for a fifth of them, and the success is near that of no retries.
    let many = play(0.5, 1);
    assert!(many[1].goodput_during > 0.84 && many[2].goodput_during < 0.65, "{many:?}");
}

/// Success and load of retries, of a budget and of a breaker on retries alone.
fn of_retries(share: f64, clients: u32) -> [(f64, f64); 3] {
    let played = play(share, clients);
    [1, 2, 4].map(|index| (played[index].goodput_during, played[index].amplification_during))
}

#[test]
fn a_breaker_on_retries_alone_crosses_over_at_its_threshold() {
    for clients in [1, 10] {
        // Below the threshold it lets all retries through: success and load are theirs.
        let [retries, budget, breaker] = of_retries(0.04, clients);
        assert!((retries.0 - breaker.0).abs() < 0.01, "{retries:?} {breaker:?}");
        assert!((retries.1 - breaker.1).abs() < 0.02, "{retries:?} {breaker:?}");
        assert!((retries.0 - budget.0).abs() < 0.01, "{retries:?} {budget:?}");
    }
    // Far above, one large client stops retrying: it never refuses a call, success is what it is without
    // retries, and the load is not above a budget's.
    for share in [0.5, 0.8] {
        let [retries, budget, breaker] = of_retries(share, 1);
        let load = 1.0 + share + share * share;
        assert!((retries.1 - load).abs() < 0.06, "{share}: {retries:?}");
        assert!(budget.1 < 1.16 && breaker.1 < 1.16, "{share}: {budget:?} {breaker:?}");
        assert!((breaker.0 - (1.0 - share)).abs() < 0.1, "{share}: {breaker:?}");
        assert!(retries.0 > breaker.0 + 0.1, "{share}: {retries:?} {breaker:?}");
    }
    let [retries, _, breaker] = of_retries(1.0, 1);
    assert!(retries.1 > 2.9 && (1.0..1.1).contains(&breaker.1), "{retries:?} {breaker:?}");
}

#[test]
fn small_clients_see_too_little_for_a_breaker_on_retries() {
    // A thousand clients of a few calls each: neither a breaker nor a budget learns anything in time.
    for share in [0.3, 0.9] {
        let [retries, budget, breaker] = of_retries(share, 1_000);
        assert!((retries.0 - breaker.0).abs() < 0.01, "{share}: {retries:?} {breaker:?}");
        assert!((retries.1 - breaker.1).abs() < 0.05, "{share}: {retries:?} {breaker:?}");
        assert!(budget.1 > 0.8 * retries.1, "{share}: {retries:?} {budget:?}");
    }
}

#[test]
fn a_breaker_helps_one_large_client_and_not_a_thousand_small_ones() {
    // At a failure rate of 5 % it is as good as retries for either.
    for clients in [1, 1_000] {
        let few = play(0.05, clients);
        assert!((few[1].goodput_during - few[3].goodput_during).abs() < 0.02, "{few:?}");
    }
    // When everything fails, one client stops; a thousand see two calls each, and none of them enough.
    let (one, thousand) = (&play(1.0, 1)[3], &play(1.0, 1_000)[3]);
    assert!(one.amplification_during < 0.5, "{one:?}");
    assert!(thousand.amplification_during > 2.0, "{thousand:?}");
}

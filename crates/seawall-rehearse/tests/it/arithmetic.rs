//! Shares of errors, where the result can be computed by hand.

use seawall_rehearse::Stack;

use crate::{play, scenario};

#[test]
fn three_in_ten_errors_cost_what_they_must() {
    let errors = "for = '300s'\n[[fault]]\nkind = 'errors'\nshare = 0.3\nat = '1s'\nfor = '299s'";
    let scenario = format_first(errors, 20);
    let report = play(&scenario, vec![Stack::none(), Stack::naive()]);
    let [none, naive] = [0, 1].map(|index| &report.stacks[index].runs[0]);
    assert!((none.goodput_during - 0.7).abs() < 0.015, "{none:?}");
    assert!((none.amplification - 1.0).abs() < 1e-9, "{none:?}");
    // Three attempts fail together in 2.7 of 100 calls.
    assert!((naive.goodput_during - 0.973).abs() < 0.01, "{naive:?}");
    assert!((naive.amplification - 1.39).abs() < 0.03, "{naive:?}");
}

#[test]
fn errors_at_once_take_no_slot() {
    // All errors at once leave the server idle; after the work they keep it busy.
    for (at_once, least, most) in [(true, 0.0, 1e-9), (false, 0.0, 1.0)] {
        let text = format!(
            "[[fault]]\nkind = 'errors'\nshare = 1\nat_once = {at_once}\nat = '1s'\nfor = '5s'"
        );
        let report = play(&scenario(180, &text), vec![Stack::none()]);
        let figures = &report.stacks[0].runs[0];
        assert!((least..=most).contains(&figures.goodput_during), "{figures:?}");
        assert!(figures.loss > 4.9 && figures.loss < 5.6, "{figures:?}");
    }
}

/// `for` belongs before the first table.
fn format_first(rest: &str, rate: u32) -> seawall_rehearse::Scenario {
    let (first, rest) = rest.split_once('\n').expect("two lines");
    let text =
        format!("{first}\n[load]\nrate = {rate}\ndeadline = '500ms'\n{}\n{rest}", crate::SERVER);
    seawall_rehearse::Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

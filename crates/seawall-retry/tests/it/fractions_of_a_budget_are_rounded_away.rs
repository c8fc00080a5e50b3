//! Seen in tower's `TpsBudget` (tower-rs/tower#857): a share of 0.6 was turned into "one deposit
//! buys one retry", so every call could be repeated.

use seawall_retry::Budget;

#[test]
fn a_share_grants_no_more_than_it_says() {
    for (share, granted) in [(0.6, 600), (0.9, 900), (0.35, 350), (0.1, 100), (1.5, 1_500)] {
        let budget =
            Budget::builder().deposit(share).reserve(0.0).capacity(10_000.0).build().unwrap();
        for _ in 0..1_000 {
            let _ = budget.call();
        }
        let taken = (0..2_000).filter(|_| budget.try_acquire().map(|mut it| it.start()).is_some());
        assert_eq!(taken.count(), granted, "a share of {share}");
    }
}

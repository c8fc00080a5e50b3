//! How many of the recent calls the dependency accepted. No lock, no clock: `now` is in nanoseconds
//! since the throttle was built.

/// The window slides by a tenth of its length.
const PARTS: usize = 10;

/// Requests and accepts of the last window.
///
/// `p = max(0, (requests − K × accepts) / (requests + 1))` is the probability of being shed.
///
/// Source: Beyer et al., "Site Reliability Engineering", chapter 21, "Handling Overload", equation
/// 21-1.
#[derive(Clone, Debug)]
pub(crate) struct Ratio {
    /// The number of the current part.
    part: u64,
    /// When the current part ends, so that a call need not divide for it.
    ends: u64,
    /// The place of the current part in `parts`.
    slot: usize,
    parts: [Part; PARTS],
    sum: Part,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) requests: u32,
    pub(crate) accepts: u32,
}

impl Ratio {
    pub(crate) const fn new() -> Self {
        let none = Part { requests: 0, accepts: 0 };
        Self { part: 0, ends: 0, slot: 0, parts: [none; PARTS], sum: none }
    }

    /// Forgets calls that are older than the window, which is `PARTS` times `width` long.
    pub(crate) fn advance(&mut self, now: u64, width: u64) {
        if now >= self.ends {
            self.forget(now / width, width);
        }
    }

    fn forget(&mut self, part: u64, width: u64) {
        for _ in 0..(part - self.part).min(PARTS as u64) {
            self.slot = (self.slot + 1) % PARTS;
            let gone = std::mem::take(&mut self.parts[self.slot]);
            self.sum.requests -= gone.requests;
            self.sum.accepts -= gone.accepts;
        }
        self.part = part;
        self.ends = part.saturating_add(1).saturating_mul(width);
    }

    /// Counts a request that has ended, or was shed.
    pub(crate) fn record(&mut self, accepted: bool) {
        // Beyond four thousand million requests in a window, one more changes nothing.
        if self.sum.requests < u32::MAX {
            let part = &mut self.parts[self.slot];
            part.requests += 1;
            part.accepts += u32::from(accepted);
            self.sum.requests += 1;
            self.sum.accepts += u32::from(accepted);
        }
    }

    /// The probability with which to shed the next call: 0 below `min_requests`.
    pub(crate) fn probability(&self, k: f64, min_requests: u32) -> f64 {
        let Part { requests, accepts } = self.sum;
        if requests < min_requests {
            return 0.0;
        }
        let (requests, accepts) = (f64::from(requests), f64::from(accepts));
        ((requests - k * accepts) / (requests + 1.0)).max(0.0)
    }

    pub(crate) const fn sum(&self) -> Part {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIDTH: u64 = 100;

    proptest! {
        #[test]
        fn the_sums_are_those_of_the_window(
            steps in proptest::collection::vec((0_u64..300, any::<bool>()), 0..300),
            k in 1.0_f64..4.0,
        ) {
            let mut ratio = Ratio::new();
            let mut records = Vec::new();
            let mut now = 0;
            for (step, accepted) in steps {
                now += step;
                ratio.advance(now, WIDTH);
                ratio.record(accepted);
                records.push((now, accepted));
                let oldest = (now / WIDTH).saturating_sub(PARTS as u64 - 1);
                let inside = || records.iter().filter(|(at, _)| at / WIDTH >= oldest);
                prop_assert_eq!(ratio.sum().requests as usize, inside().count());
                let accepts = inside().filter(|(_, accepted)| *accepted).count();
                prop_assert_eq!(ratio.sum().accepts as usize, accepts);
                let probability = ratio.probability(k, 5);
                prop_assert!((0.0..1.0).contains(&probability));
                let sum = ratio.sum();
                let accepts_enough = f64::from(sum.requests) <= k * f64::from(sum.accepts);
                prop_assert_eq!(sum.requests < 5 || accepts_enough, probability <= 0.0);
            }
        }
    }

    #[test]
    fn the_probability_is_the_books() {
        let mut ratio = Ratio::new();
        for n in 0..100 {
            ratio.record(n < 30);
        }
        // (100 − 2 × 30) / 101
        assert!((ratio.probability(2.0, 100) - 40.0 / 101.0).abs() < 1e-12);
        assert!(ratio.probability(4.0, 0).abs() < 1e-12);
        assert!(ratio.probability(2.0, 101).abs() < 1e-12, "too few to tell");
        for _ in 30..70 {
            assert!(ratio.probability(2.0, 0) > 0.0, "less than half was accepted");
            ratio.record(true);
        }
        assert!(ratio.probability(2.0, 0) <= 0.0, "half was: 70 of 140");
    }

    #[test]
    fn at_the_end_of_time_it_goes_on_counting() {
        let mut ratio = Ratio::new();
        ratio.record(true);
        for _ in 0..20 {
            ratio.advance(u64::MAX, 1);
            ratio.record(true);
        }
        assert_eq!(ratio.sum(), Part { requests: 20, accepts: 20 });
    }

    #[test]
    fn a_window_that_is_full_to_the_brim_learns_nothing_more() {
        let mut ratio = Ratio::new();
        ratio.sum.requests = u32::MAX - 1;
        ratio.parts[ratio.slot].requests = u32::MAX - 1;
        for _ in 0..3 {
            ratio.record(true);
        }
        assert_eq!(ratio.sum(), Part { requests: u32::MAX, accepts: 1 });
        ratio.advance(20 * WIDTH, WIDTH);
        assert_eq!(ratio.sum(), Part::default());
    }

    #[test]
    fn a_clock_that_goes_back_forgets_nothing() {
        let mut ratio = Ratio::new();
        ratio.advance(5_000, WIDTH);
        ratio.record(true);
        ratio.advance(0, WIDTH);
        assert_eq!(ratio.sum().requests, 1);
        ratio.advance(6_000, WIDTH);
        assert_eq!(ratio.sum().requests, 0);
    }
}

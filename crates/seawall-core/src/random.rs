//! Random numbers: injectable, seedable, one source for each policy.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::contain;

/// The source of a policy's random numbers.
///
/// The default is the thread generator of the `rand` crate, so policies that are built alike never
/// draw alike. For tests and simulations there is a [seeded](Self::seeded) source, and two
/// [stubs](Self::lowest) that sit on the ends of the range.
///
/// Drawing takes `&self`, no lock and no allocation. Clones share their source: two policies that
/// were given clones of one seeded source draw from one sequence, hence differently. Two sources
/// made from the same seed draw the same; that is what a seed is for.
///
/// ```
/// use seawall_core::Random;
///
/// let (one, other) = (Random::seeded(7), Random::seeded(7));
/// assert_eq!(one.next_u64(), other.next_u64());
/// assert!((0.0..1.0).contains(&Random::default().unit()));
/// ```
#[derive(Clone, Default)]
pub struct Random(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    Thread,
    Seeded(Arc<AtomicU64>),
    Always(u64),
    Function(Arc<dyn Fn() -> u64 + Send + Sync>),
}

impl Random {
    /// The thread generator of the `rand` crate: fast, seeded by the operating system, its own on
    /// each thread.
    pub const fn thread() -> Self {
        Self(Source::Thread)
    }

    /// A sequence that follows from `seed` alone: on one thread the same draws on every run, on
    /// every platform. With several threads the sequence is the same, but not which thread draws which
    /// number.
    ///
    /// The generator is `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number
    /// generators", OOPSLA 2014), whose state is one counter. Not for secrets.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(AtomicU64::new(seed))))
    }

    /// A source of its own that follows from this one: a [seeded](Self::seeded) source is seeded by
    /// one draw of this one. The other sources keep no state that two could share, so they are
    /// cloned.
    #[must_use]
    pub fn split(&self) -> Self {
        match &self.0 {
            Source::Seeded(_) => Self::seeded(self.next_u64()),
            _ => self.clone(),
        }
    }

    /// Draws from `next`, which returns 64 evenly distributed bits.
    ///
    /// A panic in it is contained, and the [thread generator](Self::thread) drawn from instead.
    pub fn from_fn(next: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Source::Function(Arc::new(next)))
    }

    /// A stub that always draws 0.
    pub const fn lowest() -> Self {
        Self(Source::Always(0))
    }

    /// A stub that always draws the largest value: the largest below 1 as [`unit`](Self::unit).
    pub const fn highest() -> Self {
        Self(Source::Always(u64::MAX))
    }

    /// 64 evenly distributed bits.
    pub fn next_u64(&self) -> u64 {
        match &self.0 {
            Source::Thread => rand::random(),
            Source::Seeded(counter) => split_mix(counter),
            Source::Always(value) => *value,
            Source::Function(next) => contain(|| next()).unwrap_or_else(|_| rand::random()),
        }
    }

    /// A number of at least 0 and below 1, evenly distributed over the multiples of 2⁻⁵³.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits: an f64 holds each value exactly, so nothing is rounded up to 1"
    )]
    pub fn unit(&self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * STEP
    }

    /// A whole number below `bound`, evenly distributed; 0 if `bound` is 0.
    ///
    /// Multiplies and takes the high half (Lemire: "Fast random integer generation in an interval",
    /// 2019) without the rejection step: the bias is below `bound` / 2⁶⁴.
    pub fn below(&self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

fn split_mix(counter: &AtomicU64) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    // Relaxed: the counter orders nothing else, and each draw gets a value of its own.
    let mut bits = counter.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Source::Thread => "Random::thread",
            Source::Seeded(_) => "Random::seeded",
            Source::Always(0) => "Random::lowest",
            Source::Always(_) => "Random::highest",
            Source::Function(_) => "Random::from_fn",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeded_sequence_is_split_mix_64() {
        // The published test vector for the seed 1234567.
        let random = Random::seeded(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
        assert_eq!(
            drawn,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn clones_of_a_seeded_source_draw_from_one_sequence() {
        let (one, alone) = (Random::seeded(3), Random::seeded(3));
        let other = one.clone();
        let drawn = [one.next_u64(), other.next_u64()];
        assert_eq!(drawn, [alone.next_u64(), alone.next_u64()]);
        assert_ne!(drawn[0], drawn[1]);
    }

    #[test]
    fn a_split_source_does_not_depend_on_what_its_origin_draws_later() {
        let (one, other) = (Random::seeded(3), Random::seeded(3));
        let (split, same) = (one.split(), other.split());
        one.next_u64();
        assert_eq!(split.next_u64(), same.next_u64());
        assert_ne!(one.split().next_u64(), one.split().next_u64());
    }

    #[test]
    fn a_function_that_panics_draws_all_the_same() {
        let random = Random::from_fn(|| panic!("the user's own fault"));
        let drawn = [(); 4].map(|()| random.next_u64());
        assert_ne!(drawn, [drawn[0]; 4]);
    }

    #[test]
    fn two_default_sources_draw_differently() {
        let draw = || {
            let random = Random::default();
            [(); 4].map(|()| random.next_u64())
        };
        assert_ne!(draw(), draw());
    }

    #[test]
    fn the_stubs_sit_on_the_ends() {
        assert_eq!(Random::lowest().unit().to_bits(), 0.0_f64.to_bits());
        let highest = Random::highest().unit();
        assert_eq!(highest.to_bits(), 1.0_f64.next_down().to_bits());
        for bound in [0, 1, 2, 1_000, u64::MAX] {
            assert_eq!(Random::lowest().below(bound), 0);
            assert_eq!(Random::highest().below(bound), bound.saturating_sub(1));
        }
    }

    #[test]
    fn a_function_can_be_the_source() {
        assert_eq!(Random::from_fn(|| 1 << 63).below(10), 5);
    }
}

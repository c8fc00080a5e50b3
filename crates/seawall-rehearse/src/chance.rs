//! Draws that follow from a seed and a number alone.
//!
//! A draw belongs to a stream (what it decides) and to a number (the request or call that it decides
//! about), and not to a place in a sequence. So two stacks that send different requests still meet
//! the same arrivals. Logarithms and exponentials are computed here by additions and multiplications
//! only, because those of the platform differ in the last bit from machine to machine.

/// What is decided.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Stream {
    Arrival = 1,
    Thinning,
    Client,
    Deadline,
    Service,
    Failure,
    FailureAtOnce,
    Vanish,
    Backend,
    Policy,
    World,
}

/// Where the draws of one run come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    seed: u64,
}

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed: mix(seed ^ 0x5ea_3a11) }
    }

    /// 64 bits for the `number`th decision of `stream`.
    pub(crate) const fn bits(self, stream: Stream, number: u64) -> u64 {
        let key = mix(self.seed ^ (stream as u64).wrapping_mul(0xd6e8_feb8_6659_fd93));
        mix(key ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// At least 0 and below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) const fn unit(self, stream: Stream, number: u64) -> f64 {
        (self.bits(stream, number) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Below `bound`; 0 if that is 0.
    pub(crate) const fn below(self, stream: Stream, number: u64, bound: u64) -> u64 {
        ((self.bits(stream, number) as u128 * bound as u128) >> 64) as u64
    }

    /// Exponentially distributed with mean 1.
    pub(crate) fn exponential(self, stream: Stream, number: u64) -> f64 {
        -ln(1.0 - self.unit(stream, number))
    }

    /// Whether something of probability `share` happens.
    pub(crate) const fn happens(self, stream: Stream, number: u64, share: f64) -> bool {
        share > 0.0 && self.unit(stream, number) < share
    }
}

/// The finaliser of `SplitMix64`.
const fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The natural logarithm of a positive normal number, to about 1e-15.
#[expect(clippy::cast_possible_wrap, reason = "11 bits")]
pub(crate) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)), where the argument is below 0.172.
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut sum = 0.0;
    for odd in (0..11_i32).rev() {
        sum = sum * square + 1.0 / f64::from(2 * odd + 1);
    }
    #[expect(clippy::cast_precision_loss, reason = "11 bits")]
    let exponent = exponent as f64;
    2.0 * s * sum + exponent * std::f64::consts::LN_2
}

/// e to the `x`, for an `x` between -700 and 700.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2048")]
pub(crate) fn exp(x: f64) -> f64 {
    let power = (x / std::f64::consts::LN_2).round();
    let rest = x - power * std::f64::consts::LN_2;
    let mut sum = 1.0;
    for n in (1..18_i32).rev() {
        sum = 1.0 + sum * rest / f64::from(n);
    }
    sum * f64::from_bits(((power + 1023.0) as u64) << 52)
}

/// The value below which a standard normal variable is with probability `p`: a rational
/// approximation in three pieces, good to 1e-9.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    const LOW: f64 = 0.024_25;
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    let polynomial = |factors: &[f64], x: f64| factors.iter().fold(0.0, |sum, f| sum * x + f);
    let p = p.clamp(1e-15, 1.0 - 1e-15);
    let tail = |p: f64| {
        let q = (-2.0 * ln(p)).sqrt();
        polynomial(&C, q) / polynomial(&D, q)
    };
    if p < LOW {
        tail(p)
    } else if p > 1.0 - LOW {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        let square = q * q;
        q * polynomial(&A, square) / polynomial(&B, square)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_and_exponential_are_those_of_the_platform_nearly() {
        for n in 1..2_000_i32 {
            let x = f64::from(n) * 0.013;
            assert!((ln(x) - x.ln()).abs() < 1e-14, "{x}");
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "{x}");
            assert!((exp(-x) / (-x).exp() - 1.0).abs() < 1e-13, "{x}");
        }
    }

    #[test]
    fn quantiles_of_the_normal_distribution() {
        for (p, z) in [(0.5, 0.0), (0.99, 2.326_347_874), (0.001, -3.090_232_306)] {
            assert!((normal_quantile(p) - z).abs() < 1e-8, "{p}");
        }
    }

    #[test]
    fn draws_are_even_and_of_their_own_stream() {
        let chance = Chance::new(7);
        let mean = (0..100_000).map(|n| chance.unit(Stream::Service, n)).sum::<f64>() / 1e5;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        let mean = (0..100_000).map(|n| chance.exponential(Stream::Arrival, n)).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert_ne!(chance.bits(Stream::Service, 1), chance.bits(Stream::Arrival, 1));
        assert_ne!(chance.bits(Stream::Service, 1), Chance::new(8).bits(Stream::Service, 1));
    }
}

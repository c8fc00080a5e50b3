//! How big things are: the future of a call, an instance of a policy.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use seawall::{Breaker, Pipeline, Retry};
use seawall_guard::Timeout;
use seawall_limit::{AdaptiveLimit, Bulkhead, RateLimit};
use seawall_retry::{Budget, Hedge};
use seawall_shutdown::InFlight;

use crate::cases::pipeline::all_layers;
use crate::operation::Failure;

/// The size of the operation's own future in [`futures`].
pub const OPERATION: usize = 48;

/// The future of an operation that keeps 48 bytes across its awaits.
#[derive(Debug, Default)]
pub struct Operation([u64; OPERATION / 8]);

impl Future for Operation {
    type Output = Result<u64, Failure>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(self.0[0]))
    }
}

/// Something that is made once and kept.
#[derive(Clone, Copy, Debug)]
pub struct Instance {
    /// What it is.
    pub what: &'static str,
    /// The library that it belongs to.
    pub subject: &'static str,
    /// Makes one, in a box: the bytes of the box are its own, and count.
    pub make: fn() -> Box<dyn Any>,
}

/// The size of a future.
#[derive(Clone, Copy, Debug)]
pub struct FutureSize {
    /// The call that it belongs to.
    pub what: &'static str,
    /// The library that it belongs to.
    pub subject: &'static str,
    /// All its bytes, those of the operation included.
    pub bytes: usize,
}

/// The objects whose size is measured.
///
/// # Panics
///
/// When a case is configured wrongly.
pub fn instances() -> Vec<Instance> {
    [
        vec![
            Instance {
                what: "breaker, window of 100 outcomes",
                subject: "seawall",
                make: || Box::new(Breaker::builder().count_window(100).build().expect("valid")),
            },
            Instance {
                what: "breaker, window of 10 s",
                subject: "seawall",
                make: || {
                    Box::new(
                        Breaker::builder()
                            .time_window(Duration::from_secs(10))
                            .build()
                            .expect("valid"),
                    )
                },
            },
            Instance {
                what: "retry",
                subject: "seawall",
                make: || Box::new(Retry::builder().idempotent().build().expect("valid")),
            },
            Instance {
                what: "bulkhead",
                subject: "seawall",
                make: || Box::new(Bulkhead::builder().limit(10).build().expect("valid")),
            },
            Instance {
                what: "rate limit",
                subject: "seawall",
                make: || {
                    Box::new(
                        RateLimit::builder()
                            .rate(1, Duration::from_secs(1))
                            .build()
                            .expect("valid"),
                    )
                },
            },
            Instance {
                what: "adaptive limit",
                subject: "seawall",
                make: || Box::new(AdaptiveLimit::builder().build().expect("valid")),
            },
            Instance {
                what: "retry budget",
                subject: "seawall",
                make: || Box::new(Budget::builder().build().expect("valid")),
            },
            Instance {
                what: "hedge",
                subject: "seawall",
                make: || Box::new(Hedge::builder().build().expect("valid")),
            },
            Instance {
                what: "timeout",
                subject: "seawall",
                make: || {
                    Box::new(
                        Timeout::builder().limit(Duration::from_secs(1)).build().expect("valid"),
                    )
                },
            },
            Instance {
                what: "requests in flight",
                subject: "seawall",
                make: || Box::new(InFlight::new()),
            },
            Instance {
                what: "pipeline of all five layers",
                subject: "seawall",
                make: || Box::new(all_layers!()),
            },
        ],
        #[cfg(feature = "peers")]
        crate::cases::peers::instances(),
    ]
    .concat()
}

/// The sizes of futures around an operation of [`OPERATION`] bytes.
///
/// # Panics
///
/// When a pipeline can't be built.
pub fn futures() -> Vec<FutureSize> {
    let two = Pipeline::builder("benches")
        .retry(Retry::builder().idempotent())
        .breaker(Breaker::builder())
        .build()
        .expect("a valid pipeline");
    let five = all_layers!();
    let standard = Pipeline::standard("benches").idempotent().build().expect("a valid pipeline");
    let ours = |what, bytes| FutureSize { what, subject: "seawall", bytes };
    [
        vec![
            ours("retry + breaker", size_of_val(&two.call(Operation::default))),
            ours("all five layers", size_of_val(&five.call(Operation::default))),
            ours("the standard pipeline", size_of_val(&standard.call(Operation::default))),
        ],
        #[cfg(feature = "peers")]
        crate::cases::peers::futures(),
    ]
    .concat()
}

//! A seawall pipeline as a layer of tower: around any [`Service`](tower_service::Service), in a client
//! or in a server.
//!
//! ```
//! use seawall::Pipeline;
//! use seawall_tower::PipelineLayer;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = Pipeline::standard("inventory").idempotent().build()?;
//! let service = ServiceBuilder::new()
//!     .layer(PipelineLayer::new(pipeline))
//!     .service(service_fn(async |item: String| Ok::<_, std::io::Error>(item.len())));
//!
//! assert_eq!(service.oneshot("screws".to_owned()).await?, 6);
//! # Ok(())
//! # }
//! ```
//!
//! The layer takes any pipeline: the standard one, one of your own, or a [single
//! policy](PipelineLayer::single). The error is the pipeline's, [`seawall::Error<E>`](seawall::Error)
//! with the service's own error inside.
//!
//! | for | there is |
//! |---|---|
//! | requests that can't be cloned | [`PipelineLayer::repeat`] with [`RepeatBy`]; nothing where the pipeline does not repeat |
//! | bodies that several attempts read | `replay`, with the feature of that name |
//! | deadlines, and requests that may not be repeated | [`PipelineLayer::options`] |
//! | peers that demand `Box<dyn Error>` | [`PipelineLayer::boxed_errors`] |
//! | a future with a name, without a box | [`PipelineLayer::leaked`] |
//! | services that can't be cloned | [`Shared`] |
//! | balancers that choose by readiness | [`ReadinessLayer`] |
//!
//! # Readiness
//!
//! A service of this crate is always ready. Each attempt asks the instance that it calls, inside the
//! pipeline. So
//!
//! - a clone that is not ready is never called,
//! - no slot is reserved for a call that a breaker or a limit then refuses, nor between two attempts,
//! - the wait for readiness is in the attempt's time: the attempt timeout or the deadline ends it, and
//!   the breaker counts it,
//! - an error of `poll_ready` has a class like any other error.
//!
//! What stands around it can't see from readiness that the service is busy. A bulkhead or an adaptive
//! limit of the pipeline refuses what is too much; for balancers there is [`ReadinessLayer`].
//!
//! # Requests
//!
//! A pipeline that repeats needs a copy of the request for each attempt but the last one that may
//! follow: that takes the request itself, so one attempt copies nothing. Copies are made by `Clone`
//! unless another [`Repeat`] is given. A pipeline without retry and hedge takes requests of any type.
//!
//! A request may turn out to be one that can't be sent again, because its body has outgrown what is
//! kept, for instance. The call then gives up with
//! [`StopReason::NotRepeatable`](seawall::StopReason::NotRepeatable).
//!
//! # Two forms
//!
//! A wrapped call borrows its pipeline, so a future that owns it has to be an `async` block in a box:
//! one allocation a call. [`leaked`](PipelineLayer::leaked) gives the pipeline to the process for good.
//! Its future has a name and no box. Where the layer is at hand, [`call`](PipelineLayer::call) sends one
//! request from there: borrowed, and without a box.
//!
//! # Traps
//!
//! - A clone of the inner service is made for each attempt. Services of tower, hyper, reqwest and tonic
//!   are cheap to clone; wrap others in [`Shared`].
//! - tower's own `Retry`, `Timeout` and `ConcurrencyLimit` around or inside work, but are in no event
//!   and no description. A retry inside a retry multiplies attempts.
//! - A permit of a limit ends with the call's future, that is at the head of a response. A body that
//!   streams afterwards is not in the count; the client of `seawall-http` holds a place for it.
//! - A compiler message about a `.call(..)` that "exists, but its trait bounds were not satisfied" is
//!   about a request that is not `Clone` or a service that is not: pass the service to a function that
//!   takes `impl Service<Request>`, and it says which.
//!
//! # When not to use it
//!
//! Where a closure does, `pipeline.call(|| ..)` is the same without a layer, a clone and a box.

// The pages' code compiles and runs as it is written.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
#[cfg(doctest)]
#[doc = include_str!("../../../docs/tower.md")]
struct Page;

mod boxed_errors;
mod future;
mod layer;
mod leaked;
mod operation;
mod options;
mod readiness;
mod repeat;
#[cfg(feature = "replay")]
pub mod replay;
mod run;
mod shared;

pub use boxed_errors::{BoxError, BoxedErrors, BoxedErrorsFuture, BoxedErrorsLayer};
pub use future::ResponseFuture;
pub use layer::{PipelineLayer, PipelineService};
pub use leaked::{LeakedFuture, LeakedLayer, LeakedService};
pub use operation::{ServiceCall, ServiceFuture};
pub use options::{CallOptions, NoOptions};
pub use readiness::{ReadinessLayer, ReadinessService};
pub use repeat::{ByClone, Repeat, RepeatBy};
pub use shared::{Shared, SharedFuture};

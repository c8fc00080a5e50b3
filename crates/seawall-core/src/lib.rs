//! The vocabulary of seawall: one word for one thing across all its crates.
//!
//! Applications use the facade, `seawall`, which re-exports what they need from here. This crate
//! is for authors of policies; their chapter is [`admission`](admission#write-a-policy).
//!
//! | word | type | meaning |
//! |---|---|---|
//! | call | [`Call`] | can be started once |
//! | operation | [`Operation`] | can be started again and again |
//! | attempt | [`Attempt`] | which start this is, and how much time is left |
//! | policy | [`Policy`], [`Chain`] | wraps an operation |
//! | admission | [`Admit`], [`Admission`], [`Settle`] | whether a call may start |
//! | layer | [`Layer`] | becomes a policy when its pipeline is built |
//! | class | [`Class`], [`Classify`], [`Verdict`] | the meaning of an outcome |
//! | failure | [`Failure`], [`Failed`] | what policies see where an operation failed |
//! | error | [`Error`], [`Rejection`], [`TimedOut`], [`GaveUp`] | why a call did not succeed |
//! | event | [`Event`], [`Listener`], [`Reporter`] | what a policy did |
//! | keyed set | [`Keyed`], [`Keep`] | a policy for each key, bounded in number |
//! | setup | [`Setup`] | what every builder has |
//! | backoff | [`Backoff`], [`Jitter`] | how long to wait before the next attempt |
//! | chance | [`Random`] | the source of a policy's random numbers |
//! | timeline | [`Timeline`] | time as one 64-bit number |
//! | name | [`Name`], [`PolicyKind`] | which policy an error or event is from |
//! | description | [`Description`] | the layers of a pipeline, and its worst case |
//! | finding | [`Finding`], [`Severity`] | what is questionable about a pipeline |
//!
//! # How a call runs
//!
//! A policy wraps an operation and is one itself, so any order composes. Wrapping is static: the
//! whole pipeline is one future, sized at compile time, without a box.
//!
//! ```
//! use seawall_core::{AllTransient, Call, FromFn, Identity, Lazy, Policy};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall_core::Error<std::io::Error>> {
//! let operation = FromFn::new(|| async { Ok::<_, std::io::Error>(42) }, &AllTransient);
//! let answer = Lazy::new(Identity.wrap(operation)).await?;
//! assert_eq!(answer, 42);
//! # Ok(())
//! # }
//! ```

pub mod admission;
pub mod backoff;
pub mod blocking;
pub mod class;
pub mod config;
pub mod describe;
pub mod error;
pub mod event;
pub mod finding;
pub mod inspect;
pub mod keyed;
pub mod layer;
pub mod listener;
pub mod operation;
pub mod panic;
pub mod policy;
pub mod random;
#[doc(hidden)]
pub mod sync;
pub mod wakers;

mod atomic_duration;
mod attempt;
mod cold_option;
mod compact;
mod counted;
mod label;
mod name;
mod reporter;
mod setup;
mod superseded;
mod timeline;
mod usual_time;

pub use admission::{
    Admission, Admit, Admitted, AdmittedFuture, Guarded, NoWait, Settle, Unobserved,
};
pub use atomic_duration::AtomicDuration;
pub use attempt::Attempt;
pub use backoff::{Backoff, Jitter};
pub use blocking::{Timer, block_on};
pub use class::classify::{AllTransient, ByOutcome, Classify};
pub use class::failed::{AnswerText, Failed, Failure};
pub use class::verdict::{CarriedOut, Verdict};
pub use class::{Class, Health};
#[doc(hidden)]
pub use cold_option::ColdOption;
pub use config::{Check, ConfigError};
pub use counted::Counted;
pub use describe::{Description, LayerDescription};
#[doc(hidden)]
pub use error::PackedEvidence;
pub use error::{
    BoxedError, Cancelled, Error, Evidence, GaveUp, Panicked, Reason, Rejection, Rule, Scope,
    StopReason, TimedOut, TimedOutBy,
};
pub use event::{Cause, CircuitState, Event, EventKind, Transition};
pub use finding::{Finding, Severity};
pub use inspect::{Inspect, InspectId, Measures, Order, OrderError, Settings};
pub use keyed::{Keep, Keyed};
pub use label::Label;
pub use layer::{Layer, LayerContext, Layers};
pub use listener::{Listener, ListenerId, ListenerIdentity, Listeners};
pub use name::Name;
pub use operation::{
    Call, Classed, FromAttemptFn, FromFn, FromFuture, Lazy, Operation, OperationFuture,
};
pub use panic::{Caught, PanicReport, catch, contain};
pub use policy::{
    Alone, Called, CalledOnce, CalledWith, Chain, Classified, Identity, Optional, Policy,
    PolicyCall, PolicyExt, PolicyFuture, PolicyKind,
};
pub use random::Random;
pub use reporter::Reporter;
pub use setup::Setup;
pub use superseded::{is_superseded, supersede};
pub use timeline::Timeline;
#[doc(hidden)]
pub use usual_time::UsualTime;
pub use wakers::{WakerSlot, Wakers};

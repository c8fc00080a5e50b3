//! Bodies that several attempts read: what was read is kept, up to a bound, and read again.
//!
//! A body can be read once, so a request with one can be sent once. [`ReplayLayer`] changes that: the
//! frames that an attempt takes from the body are kept, and the next attempt reads them first and
//! goes on where they end. Several attempts may read at once, as they do behind a hedge.
//!
//! ```
//! use http::Request;
//! use http_body_util::Full;
//! use bytes::Bytes;
//! use seawall::{Pipeline, Retry};
//! use seawall_tower::PipelineLayer;
//! use seawall_tower::replay::{ByReplay, ReplayBody, ReplayLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = Pipeline::builder("uploads").retry(Retry::builder().idempotent()).build()?;
//! let service = ServiceBuilder::new()
//!     .layer(ReplayLayer::new())
//!     .layer(PipelineLayer::new(pipeline).repeat(ByReplay))
//!     .service(service_fn(async |request: Request<ReplayBody<Full<Bytes>>>| {
//!         // hyper, reqwest, tonic: whatever takes a body.
//!         Ok::<_, std::io::Error>(request.uri().to_string())
//!     }));
//! let answer = service.oneshot(Request::put("/logo").body(Full::from("png"))?).await?;
//! assert_eq!(answer, "/logo");
//! # Ok(())
//! # }
//! ```
//!
//! # Bounds
//!
//! A request keeps at most 64 KiB, and all requests of a [`ReplayMemory`] keep at most 64 MiB. A body
//! that would need more is not kept any longer: its memory is free at once, the attempt that reads it
//! goes on, and the request is sent no further time. Attempts that read behind it end with
//! [`ReplayError::TooLarge`]. The last attempt that may follow keeps nothing, as nobody reads after it.
//!
//! # What it keeps as it is
//!
//! Trailers are kept, and the size hint is that of the body. Frames below 1 KiB are copied, so that a
//! few bytes do not hold a client's whole read buffer.

use std::fmt;

use http::Request;
use http_body::Body;
use seawall::Attempt;

use crate::Repeat;

pub use body::ReplayBody;
pub use error::ReplayError;
pub use layer::{ReplayLayer, ReplayService};
pub use memory::{ReplayMemory, ReplayTotals};

mod body;
mod error;
mod layer;
mod memory;
mod source;

/// Copies requests whose body is a [`ReplayBody`]: the head is cloned, extensions included, and the
/// body is read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByReplay;

impl<B: Body> Repeat<Request<ReplayBody<B>>> for ByReplay {
    fn copy(
        &self,
        request: &Request<ReplayBody<B>>,
        _: &Attempt,
    ) -> Option<Request<ReplayBody<B>>> {
        let body = request.body().again()?;
        let mut copy = Request::new(body);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        *copy.extensions_mut() = request.extensions().clone();
        Some(copy)
    }

    fn is_repeatable(&self, request: &Request<ReplayBody<B>>) -> bool {
        request.body().is_whole()
    }
}

/// A number of bytes, as people read it.
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: usize = 1 << 10;
        const MIB: usize = 1 << 20;
        match self.0 {
            size if size >= MIB && size.is_multiple_of(MIB) => write!(f, "{} MiB", size / MIB),
            size if size >= KIB && size.is_multiple_of(KIB) => write!(f, "{} KiB", size / KIB),
            size => write!(f, "{size} B"),
        }
    }
}

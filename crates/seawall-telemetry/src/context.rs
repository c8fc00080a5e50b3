//! The request that work belongs to: a correlation id and a trace, kept across await points, retries,
//! hedges and fallbacks.
//!
//! A [`Context`] is set for a future by [`scope`](Context::scope), and is then [current](Context::current)
//! for whatever runs inside of it. A task that is spawned has none of its own accord:
//! [`spawn`] takes it along. What a pipeline captures there carries its ids without a further line.
//!
//! | header | taken if | else |
//! |---|---|---|
//! | `x-correlation-id` | 1 to 128 of `[A-Za-z0-9._-]` | a new UUID, counted |
//! | `traceparent` | as W3C Trace Context says | a new trace, counted, and `tracestate` is dropped |
//! | `tracestate` | at most 512 characters of at most 32 members | what fits of it |
//!
//! Headers come from outside: an id of another form could forge a line of a log, or fill it.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task;

use pin_project::pin_project;
use seawall::capture;

use trace::Trace;

mod trace;

/// The header of the correlation id.
pub const CORRELATION_ID: &str = "x-correlation-id";
/// The header that names the service which sends a request.
pub const SOURCE_SERVICE: &str = "x-source-service";
/// The header of the trace.
pub const TRACEPARENT: &str = "traceparent";
/// The header of what vendors add to the trace.
pub const TRACESTATE: &str = "tracestate";

/// What a log says in place of an id outside of every context.
pub const NONE: &str = "N/A";

const MAX_ID: usize = 128;

static REPLACED: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// The request that work belongs to. Clones are one.
///
/// ```
/// use seawall_telemetry::context::Context;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let context = Context::new().with_correlation_id("order-17");
/// let id = context.scope(async {
///     let current = Context::current().expect("it is in scope");
///     current.correlation_id().to_owned()
/// });
/// assert_eq!(id.await, "order-17");
/// assert!(Context::current().is_none());
/// # }
/// ```
#[derive(Clone)]
pub struct Context(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    correlation_id: Box<str>,
    trace: Trace,
    tracestate: Box<str>,
    /// The same for what is captured.
    captured: capture::Context,
}

thread_local! {
    static CURRENT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

impl Context {
    /// A new correlation id in a new trace.
    pub fn new() -> Self {
        Self::of(new_uuid(), Trace::new(), "")
    }

    fn of(correlation_id: String, trace: Trace, tracestate: &str) -> Self {
        let captured = capture::Context::default()
            .correlation_id(&correlation_id)
            .trace(&trace.trace_id(), &trace.span_id());
        let correlation_id = correlation_id.into();
        Self(Arc::new(Parts { correlation_id, trace, tracestate: tracestate.into(), captured }))
    }

    /// The context that a request brings: `get` gives the value of a header. What is missing or of a
    /// wrong form is made anew.
    pub fn from_headers<'h>(get: impl Fn(&'static str) -> Option<&'h [u8]>) -> Self {
        let text = |name| get(name).map(|value| std::str::from_utf8(value).unwrap_or_default());
        let id = text(CORRELATION_ID).filter(|id| is_id(id) || count_replaced(0));
        let id = id.map_or_else(new_uuid, str::to_owned);
        let trace = text(TRACEPARENT).and_then(|header| {
            let parsed = Trace::parse(header);
            if parsed.is_none() {
                count_replaced(1);
            }
            parsed
        });
        match trace {
            Some(trace) => {
                Self::of(id, trace.child(), trace::state(text(TRACESTATE).unwrap_or_default()))
            }
            None => Self::of(id, Trace::new(), ""),
        }
    }

    /// The context of what runs now.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|current| current.try_borrow().ok()?.clone()).ok().flatten()
    }

    /// The same with another correlation id; with a new one where `id` is of a wrong form.
    #[must_use]
    pub fn with_correlation_id(&self, id: &str) -> Self {
        let id = if is_id(id) || count_replaced(0) { id.to_owned() } else { new_uuid() };
        Self::of(id, self.0.trace, &self.0.tracestate)
    }

    /// A tag of all that is captured in it: the host or the version that a request is about. See
    /// [`capture::Context::tag`].
    #[must_use]
    pub fn tag(&self, key: &str, value: &str) -> Self {
        self.captured_as(self.0.captured.clone().tag(key, value))
    }

    /// The user, for what is captured in it: kept as a hash, so that failures of one user differ from
    /// those of many, and nobody reads whose they are. The hash is the same in all processes that have
    /// the same `salt`, which should be secret.
    #[must_use]
    pub fn user(&self, salt: u64, user: &str) -> Self {
        use std::hash::{Hash, Hasher};
        #[expect(deprecated, reason = "its result is the same in every process, and keyed")]
        let mut hasher = std::hash::SipHasher::new_with_keys(salt, !salt);
        user.hash(&mut hasher);
        let hash = format!("{:016x}", hasher.finish());
        self.captured_as(self.0.captured.clone().value("user", &hash))
    }

    fn captured_as(&self, captured: capture::Context) -> Self {
        Self(Arc::new(Parts { captured, ..(*self.0).clone() }))
    }

    /// The correlation id.
    pub fn correlation_id(&self) -> &str {
        &self.0.correlation_id
    }

    /// The trace in 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        self.0.trace.trace_id()
    }

    /// The span of this process in the trace, in 16 hexadecimal digits.
    pub fn span_id(&self) -> String {
        self.0.trace.span_id()
    }

    /// The headers that send it on to another service, from the service `source`. A `source` that is
    /// empty or has other characters than visible ASCII and blanks is left out: it is no header's value.
    pub fn headers(&self, source: &str) -> Vec<(&'static str, String)> {
        let parts = &*self.0;
        let mut headers = vec![
            (CORRELATION_ID, parts.correlation_id.to_string()),
            (TRACEPARENT, parts.trace.to_string()),
        ];
        if !source.is_empty() && source.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            headers.push((SOURCE_SERVICE, source.to_owned()));
        }
        if !parts.tracestate.is_empty() {
            headers.push((TRACESTATE, parts.tracestate.to_string()));
        }
        headers
    }

    /// Runs `future` in this context. Cancel safe as `future` is.
    pub fn scope<Fut: Future>(self, future: Fut) -> InContext<Fut> {
        InContext { future, context: self }
    }

    /// Runs `work` in this context.
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        struct Restore(Option<Context>);
        impl Drop for Restore {
            fn drop(&mut self) {
                drop(replace(self.0.take()));
            }
        }
        let _restore = Restore(replace(Some(self.clone())));
        self.0.captured.run(work)
    }
}

/// Spawns `future` on the runtime, in the context of the caller.
///
/// # Panics
///
/// Outside of a runtime, as [`tokio::spawn`].
pub fn spawn<Fut>(future: Fut) -> tokio::task::JoinHandle<Fut::Output>
where
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    match Context::current() {
        Some(context) => tokio::spawn(context.scope(future)),
        None => tokio::spawn(future),
    }
}

/// Sets the context of this thread, unless the thread is ending. Gives the one before.
fn replace(context: Option<Context>) -> Option<Context> {
    let replaced = CURRENT.try_with(|current| {
        current.try_borrow_mut().map(|mut current| std::mem::replace(&mut *current, context))
    });
    replaced.ok().and_then(Result::ok).flatten()
}

fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(allowed)
}

/// How often each header was replaced in this process, because it had a wrong form.
pub fn replaced() -> [(&'static str, u64); 2] {
    let count = |at: usize| REPLACED[at].load(Ordering::Relaxed);
    [(CORRELATION_ID, count(0)), (TRACEPARENT, count(1))]
}

/// Counts what is replaced. Gives `false`.
fn count_replaced(what: usize) -> bool {
    REPLACED[what].fetch_add(1, Ordering::Relaxed);
    false
}

/// A UUID of version 4.
fn new_uuid() -> String {
    let bits: u128 = rand::random();
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{bits:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// The future of [`Context::scope`].
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct InContext<Fut> {
    #[pin]
    future: Fut,
    context: Context,
}

impl<Fut: Future> Future for InContext<Fut> {
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<Fut::Output> {
        let this = self.project();
        this.context.run(|| this.future.poll(cx))
    }
}

impl<Fut> fmt::Debug for InContext<Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InContext").field("context", &self.context).finish_non_exhaustive()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("correlation_id", &self.0.correlation_id)
            .field("trace", &self.0.trace)
            .finish_non_exhaustive()
    }
}

//! What a call is part of, for all that is captured while it runs.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task;

use pin_project::pin_project;

use crate::Record;
use crate::record::limits;
use crate::text::assign_id;

/// What a call is part of: a request, a trace, a tenant. Whatever is captured on its task while it
/// runs, by hand, by a policy or by a listener, gets what it does not say itself.
///
/// A task that the call spawns has a context of its own, or none; [`scope`](Self::scope) takes any
/// future. Of two contexts, one inside the other, the inner counts.
///
/// ```
/// use seawall_capture::{Capture, Context, MemoryStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::default();
/// let capture = Capture::builder().store(store.clone()).build()?;
/// let orders = capture.final_failures("orders");
///
/// let context = Context::default().correlation_id("r-17").tag("zone", "a");
/// let call = orders.call(async { Err::<(), _>(std::io::Error::other("no route")) });
/// assert!(context.scope(call).await.is_err());
///
/// let record = store.list(&Default::default()).remove(0).last;
/// assert_eq!(record.details.correlation_id, "r-17");
/// assert_eq!(record.tag("zone"), Some("a"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Context(Arc<Parts>);

#[derive(Clone, Default)]
struct Parts {
    correlation_id: String,
    trace_id: String,
    span_id: String,
    tags: Vec<(String, String)>,
    values: Vec<(String, String)>,
}

thread_local! {
    /// The context of what runs on this thread.
    static CURRENT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

impl Context {
    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// What ties records to a request; at most 256 bytes.
    #[must_use]
    pub fn correlation_id(self, id: &str) -> Self {
        self.with(|parts| assign_id(&mut parts.correlation_id, limits::NAME, id))
    }

    /// The trace and the span; at most 64 bytes each.
    #[must_use]
    pub fn trace(self, trace_id: &str, span_id: &str) -> Self {
        self.with(|parts| {
            assign_id(&mut parts.trace_id, limits::TRACE, trace_id);
            assign_id(&mut parts.span_id, limits::TRACE, span_id);
        })
    }

    /// A tag, as of [`Draft::tag`](crate::Draft::tag); at most [`limits::TAGS`].
    #[must_use]
    pub fn tag(self, key: &str, value: &str) -> Self {
        self.with(|parts| push(&mut parts.tags, limits::TAGS, key, value))
    }

    /// A value that stays, as of [`Draft::value`](crate::Draft::value); at most
    /// [`limits::VALUES`].
    #[must_use]
    pub fn value(self, key: &str, value: &str) -> Self {
        self.with(|parts| push(&mut parts.values, limits::VALUES, key, value))
    }

    /// Runs `work` in this context.
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        struct Restore(Option<Context>);
        impl Drop for Restore {
            fn drop(&mut self) {
                replace(self.0.take());
            }
        }
        let _restore = Restore(replace(Some(self.clone())));
        work()
    }

    /// Runs `future` in this context. Cancel safe as `future` is.
    pub fn scope<Fut: Future>(self, future: Fut) -> InContext<Fut> {
        InContext { future, context: self }
    }

    /// Gives `record` what it does not say itself.
    fn fill(&self, record: &mut Record) {
        let Parts { correlation_id, trace_id, span_id, tags, values } = &*self.0;
        let details = &mut record.details;
        if details.correlation_id.is_empty() {
            details.correlation_id.push_str(correlation_id);
        }
        if details.trace_id.is_empty() {
            details.trace_id.push_str(trace_id);
            details.span_id.push_str(span_id);
        }
        for (key, value) in tags {
            if record.tag(key).is_none() {
                record.set_tag(key, value);
            }
        }
        for (key, value) in values {
            if !record.details.values.iter().any(|(known, _)| known == key) {
                record.set_value(key, value);
            }
        }
    }
}

fn push(pairs: &mut Vec<(String, String)>, most: usize, key: &str, value: &str) {
    if pairs.len() < most {
        pairs.push((key.to_owned(), value.to_owned()));
    }
}

/// Sets the context of this thread, unless the thread is ending. Gives the one before.
fn replace(context: Option<Context>) -> Option<Context> {
    let replaced = CURRENT.try_with(|current| {
        current.try_borrow_mut().map(|mut c| std::mem::replace(&mut *c, context))
    });
    replaced.ok().and_then(Result::ok).flatten()
}

/// Gives `record` what the context of this thread says.
pub(crate) fn fill(record: &mut Record) {
    let _ = CURRENT.try_with(|current| {
        if let Ok(current) = current.try_borrow()
            && let Some(context) = &*current
        {
            context.fill(record);
        }
    });
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
        f.debug_struct("InContext").finish_non_exhaustive()
    }
}

impl fmt::Debug for Context {
    /// Without what it says, which may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("tags", &self.0.tags.len())
            .field("values", &self.0.values.len())
            .finish_non_exhaustive()
    }
}

//! How policies are put together, and what they see of a call.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use seawall_core::{
    AllTransient, Attempt, Call, Chain, Class, Description, Error, FromAttemptFn, FromFn,
    FromFuture, Identity, Label, Lazy, Name, Operation, Optional, Policy, PolicyKind,
};
use tokio::time::Instant;

/// Notes when a call goes through it, and shortens nothing.
struct Noting {
    name: Name,
    notes: Arc<Mutex<Vec<String>>>,
}

struct NotingCall<'p, Op> {
    policy: &'p Noting,
    inner: Op,
}

#[pin_project::pin_project]
struct NotingFuture<'p, Fut> {
    policy: &'p Noting,
    #[pin]
    inner: Fut,
}

impl Policy for Noting {
    type Wrapped<'p, Op> = NotingCall<'p, Op>;

    fn wrap<Op>(&self, op: Op) -> NotingCall<'_, Op> {
        NotingCall { policy: self, inner: op }
    }

    fn describe(&self, inner: Description) -> Description {
        inner.layer(PolicyKind::Custom(Label::new("toy")), &self.name, "notes")
    }
}

impl Noting {
    fn note(&self, what: &str) {
        self.notes.lock().push(format!("{what} {}", self.name));
    }
}

impl<'p, Op: Call> Call for NotingCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = NotingFuture<'p, Op::Future>;

    fn start(self, attempt: Attempt) -> Self::Future {
        self.policy.note("into");
        NotingFuture { policy: self.policy, inner: self.inner.start(attempt) }
    }
}

impl<'p, Op: Operation> Operation for NotingCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = NotingFuture<'p, Op::Future>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        self.policy.note("into");
        NotingFuture { policy: self.policy, inner: self.inner.attempt(attempt) }
    }
}

impl<Fut: Future> Future for NotingFuture<'_, Fut> {
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.inner.poll(cx);
        if polled.is_ready() {
            this.policy.note("out of");
        }
        polled
    }
}

fn noting(name: &str) -> (Noting, Arc<Mutex<Vec<String>>>) {
    let notes = Arc::default();
    (Noting { name: name.into(), notes: Arc::clone(&notes) }, notes)
}

fn answer() -> FromFn<'static, impl Fn() -> std::future::Ready<Result<i32, ()>> + Clone> {
    FromFn::new(|| std::future::ready(Ok(42)), &AllTransient)
}

#[tokio::test]
async fn the_outer_policy_sees_the_call_first_and_its_outcome_last() {
    let (outer, notes) = noting("outer");
    let inner = Noting { name: "inner".into(), notes: Arc::clone(&notes) };
    let chain = Chain::new(outer, Chain::new(Identity, inner));
    assert_eq!(Lazy::new(chain.wrap(answer())).await.unwrap(), 42);
    assert_eq!(*notes.lock(), ["into outer", "into inner", "out of inner", "out of outer"]);
}

#[tokio::test]
async fn references_arcs_and_options_are_policies() {
    let (policy, notes) = noting("it");
    let policy = Arc::new(policy);
    assert_eq!(Lazy::new(policy.wrap(answer())).await.unwrap(), 42);
    assert_eq!(Lazy::new(Chain::new(Identity, &*policy).wrap(answer())).await.unwrap(), 42);
    assert_eq!(Lazy::new(Optional(Some(Arc::clone(&policy))).wrap(answer())).await.unwrap(), 42);
    assert_eq!(notes.lock().len(), 6);
    assert_eq!(Lazy::new(Optional(None::<Noting>).wrap(answer())).await.unwrap(), 42);
    assert_eq!(notes.lock().len(), 6);
}

#[tokio::test]
async fn an_operation_can_be_started_again_through_any_chain() {
    let (policy, notes) = noting("it");
    let chain = Chain::new(&policy, Optional(Some(Identity)));
    let mut op = chain.wrap(answer());
    for _ in 0..3 {
        assert_eq!(op.attempt(Attempt::first()).await.unwrap(), 42);
    }
    assert_eq!(notes.lock().len(), 6);
}

#[tokio::test]
async fn a_call_that_is_never_polled_is_never_started() {
    let (policy, notes) = noting("it");
    drop(Lazy::new(policy.wrap(answer())));
    assert!(notes.lock().is_empty());
}

#[tokio::test]
async fn the_attempt_reaches_the_operation() {
    let numbered = FromAttemptFn::new(
        |attempt: Attempt| async move { Ok::<_, ()>(attempt.number()) },
        &AllTransient,
    );
    let attempt = Attempt::first().numbered(2, 3);
    assert_eq!(Lazy::new(numbered).with_attempt(attempt).await.unwrap(), 2);
}

#[tokio::test]
async fn the_error_is_classed_where_it_leaves_the_operation() {
    let classify = |error: &&str| match *error {
        "not found" => Class::Permanent,
        _ => Class::Transient,
    };
    let call = FromFuture::new(async { Err::<(), _>("not found") }, &classify);
    let error = Lazy::new(call).await.unwrap_err();
    assert!(matches!(error, Error::Operation { class: Class::Permanent, .. }));
}

#[test]
fn a_description_lists_the_layers_from_the_outside_in() {
    let (outer, _) = noting("outer");
    let (inner, _) = noting("inner");
    let text = Chain::new(outer, Optional(Some(inner))).describe(Description::bare()).to_string();
    let expected = "toy 'outer': notes\n  toy 'inner': notes\none attempt per call, with no \
                    limit in time";
    assert_eq!(text, expected);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_told_which_attempt_it_is_until_it_was_polled() {
    let due = Instant::now() + Duration::from_secs(1);
    let seen = |attempt: Attempt| async move { Ok::<_, io::Error>(attempt.deadline()) };
    let made = || Lazy::new(FromAttemptFn::new(seen, &AllTransient));
    assert_eq!(made().await.unwrap(), None);
    assert_eq!(made().with_attempt(Attempt::first().due_by(due)).await.unwrap(), Some(due));

    let ready = |attempt: Attempt| std::future::ready(Ok::<_, io::Error>(attempt.deadline()));
    let mut over = Lazy::new(FromAttemptFn::new(ready, &AllTransient));
    assert_eq!((&mut over).await.unwrap(), None);
    assert_eq!(format!("{:?}", over.with_attempt(Attempt::first())), "Lazy::Done");
}

//! What every builder has, and what it takes from its pipeline.

use seawall_core::{LayerContext, Listeners, Name, PolicyKind, Setup};
use tokio_util::sync::CancellationToken;

fn context() -> LayerContext {
    let mut context = LayerContext::new("pipeline");
    context.listeners.add(|_: &seawall_core::Event| {});
    context.shutdown = Some(CancellationToken::new());
    context
}

#[test]
fn alone_a_policy_is_named_after_its_kind() {
    let reporter = Setup::default().reporter(PolicyKind::RateLimit).unwrap();
    assert_eq!((reporter.name().as_str(), reporter.kind()), ("rate limit", PolicyKind::RateLimit));
    assert!(reporter.listeners().is_empty());
    assert!(Setup::default().token().is_none());
}

#[test]
fn in_a_pipeline_it_takes_what_was_not_set() {
    let context = context();
    let setup = Setup::default().fill(&context);
    let reporter = setup.reporter(PolicyKind::Retry).unwrap();
    assert_eq!(reporter.name().as_str(), "pipeline");
    assert!(!reporter.listeners().is_empty());
    let token = setup.token().expect("the pipeline's");
    context.shutdown.as_ref().expect("made above").cancel();
    assert!(token.is_cancelled());
}

#[test]
fn what_was_set_stays() {
    let own = CancellationToken::new();
    let mut setup = Setup::default();
    setup.name("own");
    setup.listeners(&Listeners::default());
    setup.shutdown(own.clone());
    let setup = setup.fill(&context());
    let reporter = setup.reporter(PolicyKind::Retry).unwrap();
    assert_eq!(reporter.name().as_str(), "own");
    assert!(reporter.listeners().is_empty());
    own.cancel();
    assert!(setup.token().is_some_and(CancellationToken::is_cancelled));
}

#[test]
fn a_name_with_control_characters_is_refused() {
    for name in ["inventory\n2026 ERROR", "\u{1b}[2J", "a\tb", "\0", "\u{85}"] {
        let mut setup = Setup::default();
        setup.name(name);
        let error = setup.reporter(PolicyKind::Retry).unwrap_err();
        assert_eq!((error.field, error.allowed), ("name", "free of control characters"));
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
    }
}

#[test]
fn a_bad_name_is_refused() {
    for (name, length) in [("", "empty"), (&*"x".repeat(Name::MAX_LEN + 1), "257 bytes long")] {
        let mut setup = Setup::default();
        setup.name(name);
        let error = setup.reporter(PolicyKind::Retry).unwrap_err();
        assert_eq!((error.field, error.value.as_str()), ("name", length));
    }
}

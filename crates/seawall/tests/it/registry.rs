//! The registry: bounded, names unique per kind, all of a pipeline or nothing.

use std::sync::Arc;
use std::time::Duration;

use seawall::policy::inspect::{Counter, Gauge, Measures};
use seawall::policy::{Chain, Inspect, Label, Reporter};
use seawall::{
    CircuitState, ConfigError, Listeners, Pipeline, PolicyKind, Reason, Registry, RegistryError,
};
use seawall::{Description, Policy};

/// A policy that does nothing but be there.
#[derive(Clone)]
struct Watched(Reporter);

impl Watched {
    fn new(name: &str) -> Self {
        let kind = PolicyKind::Custom(Label::new("watched"));
        Self(Reporter::new(name.into(), kind, Listeners::default()))
    }
}

impl Inspect for Watched {
    fn reporter(&self) -> &Reporter {
        &self.0
    }
}

impl Policy for Watched {
    type Wrapped<'p, Op> = Op;

    fn wrap<Op>(&self, op: Op) -> Op {
        op
    }

    fn describe(&self, inner: Description) -> Description {
        inner.layer(self.policy_kind(), self.name(), "is there")
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        each(Arc::new(self.clone()));
    }
}

fn pipeline(
    outer: &Watched,
    inner: &Watched,
) -> Result<Pipeline<impl Policy + use<>>, ConfigError> {
    Pipeline::builder("inventory").layer(Chain::new(outer.clone(), inner.clone())).build()
}

fn names(registry: &Registry) -> Vec<String> {
    let mut names = Vec::new();
    registry.each(|policy| names.push(policy.name().to_string()));
    names
}

#[test]
fn a_policy_that_two_pipelines_share_is_registered_once() {
    let (shared, other) = (Watched::new("shared"), Watched::new("other"));
    let registry = Registry::default();
    registry.register(&pipeline(&shared, &shared).unwrap()).unwrap();
    registry.register(&pipeline(&other, &shared).unwrap()).unwrap();
    assert_eq!(names(&registry), ["shared", "other"]);
    registry.remove(&pipeline(&shared, &shared).unwrap());
    assert_eq!(names(&registry), ["other"]);
}

#[test]
fn a_name_that_is_taken_registers_nothing_of_the_pipeline() {
    let registry = Registry::default();
    registry.register_policy(Arc::new(Watched::new("a"))).unwrap();
    let error = registry.register(&pipeline(&Watched::new("b"), &Watched::new("a")).unwrap());
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), "another watched is registered under the name 'a'");
    assert_eq!(names(&registry), ["a"]);
}

#[test]
fn a_full_registry_says_so_and_keeps_what_it_has() {
    let registry = Registry::default();
    for number in 0..Registry::MAX_POLICIES {
        let policy = Watched::new(&format!("policy {number}"));
        registry.register_policy(Arc::new(policy)).unwrap();
    }
    let one_more = registry.register_policy(Arc::new(Watched::new("one more")));
    assert_eq!(one_more, Err(RegistryError::Full));
    assert_eq!(registry.len(), 65_536);
}

#[test]
fn looking_may_register_and_remove() {
    let registry = Registry::default();
    registry.register_policy(Arc::new(Watched::new("a"))).unwrap();
    registry.each(|_| registry.register_policy(Arc::new(Watched::new("b"))).unwrap());
    assert_eq!(names(&registry), ["a", "b"]);
}

/// Counts what it is given.
#[derive(Default)]
struct Count(usize);

impl Measures for Count {
    fn gauge(&mut self, _: Gauge, _: f64) {
        self.0 += 1;
    }

    fn counter(&mut self, _: Counter, _: u64) {
        self.0 += 1;
    }

    fn refusals(&mut self, _: Reason, _: u64) {
        self.0 += 1;
    }

    fn state(&mut self, _: CircuitState, _: bool, _: Duration) {
        self.0 += 1;
    }
}

#[test]
fn every_policy_of_the_standard_pipeline_is_there() {
    let registry = Registry::default();
    let pipeline = Pipeline::standard("inventory").build().unwrap();
    registry.register(&pipeline).unwrap();
    let mut seen = Vec::new();
    registry.each(|policy| {
        let mut count = Count::default();
        policy.measure(&mut count);
        seen.push((policy.policy_kind().label(), policy.settings().is_empty(), count.0 > 0));
    });
    // What only counts what happens has measured nothing yet.
    let expected = [
        ("timeout", true, false),
        ("congestion_control", false, true),
        ("panic_guard", true, false),
    ];
    assert_eq!(seen, expected);
    let without = Pipeline::standard("other").without_congestion_control().build().unwrap();
    registry.register(&without).unwrap();
    assert_eq!(registry.len(), 3 + 2, "what was left out is not there");
}

#[test]
fn a_description_carries_the_settings() {
    let pipeline = Pipeline::standard("inventory").build().unwrap();
    let description = pipeline.describe();
    let bare: Vec<_> =
        description.layers().iter().filter(|layer| layer.settings.is_empty()).collect();
    assert!(bare.iter().all(|layer| layer.kind == PolicyKind::PanicGuard), "{bare:?}");
}

#[test]
fn the_two_timeouts_of_one_pipeline_share_a_name() {
    let registry = Registry::default();
    let build = || {
        let pipeline = Pipeline::standard("inventory").attempt_timeout(Duration::from_secs(1));
        pipeline.build().unwrap()
    };
    let pipeline = build();
    registry.register(&pipeline).unwrap();
    assert!(registry.register(&build()).is_err(), "another pipeline may not");
    registry.remove(&pipeline);
    registry.register(&build()).unwrap();
}

//! What of a document differs from the one in force, and how each policy takes it.

use std::sync::Arc;

use seawall::limit::{bulkhead, rate};
use seawall::{
    AdaptiveLimit, Breaker, Budget, Bulkhead, ConfigError, CongestionControl, Hedge, RateLimit,
    Retry, StandardPipeline, Throttle,
};

use super::{Plan, Step};
use crate::changes::{describe, differences, effect};
use crate::code::Named;
use crate::keys::{self, Keyed};
use crate::kind::Kind;
use crate::mistakes::Notes;
use crate::pipelines::{Live, LiveForm, State};
use crate::reader::Reader;
use crate::tree::{Node, Value};
use crate::{Config, Pipelines};

const RESTART: &str = "what it was: to change it needs a restart";

impl Plan {
    fn refuse(&mut self, path: &str, node: &Node) {
        self.notes.refuse(path, &node.place, format_args!("changed to {node}"), RESTART);
    }

    pub(super) fn shared(&mut self, pipelines: &Pipelines, state: &State, next: &State) {
        macro_rules! shared {
            ($section:ident, $policy:ident, $reconfigure:expr) => {
                self.section(
                    pipelines,
                    state,
                    next,
                    &state.policies.$section,
                    $policy::builder,
                    $reconfigure,
                );
            };
        }
        shared!(budgets, Budget, |it, to, _| it.reconfigure(to));
        shared!(breakers, Breaker, |it, to, _| it.reconfigure(to));
        shared!(retries, Retry, |it, to, _| it.reconfigure(to));
        shared!(hedges, Hedge, |it, to, _| it.reconfigure(to));
        shared!(bulkheads, Bulkhead, |it, _, node| limit_bulkhead(it, node));
        shared!(rate_limits, RateLimit, |it, _, node| limit_rate(it, node));
        shared!(adaptive_limits, AdaptiveLimit, |it, to, _| it.reconfigure(to));
        shared!(throttles, Throttle, |it, to, _| it.reconfigure(to));
        shared!(congestion_controls, CongestionControl, |it, to, _| it.reconfigure(to));
    }

    fn section<B: Keyed + Clone, P: Clone + 'static>(
        &mut self,
        pipelines: &Pipelines,
        state: &State,
        next: &State,
        running: &Named<P>,
        new: fn() -> B,
        reconfigure: Reconfigure<B, P>,
    ) {
        let section = B::KIND.section().unwrap_or_default();
        let before: Vec<_> = state.config.document.section(B::KIND).collect();
        let after: Vec<_> = next.config.document.section(B::KIND).collect();
        for (name, node) in &after {
            let path = format!("{section}.{name}");
            let Some((_, old)) = before.iter().find(|it| it.0 == *name) else {
                describe(&path, None, Some(node), ("", ""), &mut self.changes);
                continue;
            };
            let mut scratch = Notes::default();
            let inherited = |config: &Config, node: &Node, notes: &mut Notes| {
                config.document.inherited(B::KIND, node, &path, notes)
            };
            let old = inherited(&state.config, old, &mut scratch);
            let node = inherited(&next.config, node, &mut scratch);
            if let (Some(old), Some(node), Some(policy)) = (old, node, running.get(*name)) {
                let live = self.look::<B>(&path, &old, &node);
                if live == Some(true) {
                    let of = (pipelines, state, next);
                    self.step(of, path, policy.clone(), (&old, &node), new, reconfigure);
                } else if live == Some(false) {
                    let fixed = differences(&old, &node).into_iter().find(|it| !is_live::<B>(it));
                    let changed = fixed.and_then(|it| it.new.map(|new| (it.key, new)));
                    let (key, at) = changed.unwrap_or(("", &node));
                    self.refuse(&joined(&path, key), at);
                }
            }
        }
        let gone = before.iter().filter(|old| after.iter().all(|new| new.0 != old.0));
        for (name, node) in gone {
            let kept = "those that have it go on";
            describe(&format!("{section}.{name}"), Some(node), None, (kept, ""), &mut self.changes);
        }
    }

    /// Notes what differs. Whether all of it can be changed while the policy runs; `None` where nothing
    /// differs.
    pub(super) fn look<B: Keyed>(&mut self, path: &str, old: &Node, new: &Node) -> Option<bool> {
        let found = differences(old, new);
        let live = found.iter().all(is_live::<B>);
        for it in &found {
            let lost = ("", "all that it has counted and measured");
            let effect = if live { effect(B::KIND, it.key) } else { lost };
            describe(&joined(path, it.key), it.old, it.new, effect, &mut self.changes);
        }
        (!found.is_empty()).then_some(live)
    }

    pub(super) fn step<B: Keyed + Clone, P: 'static>(
        &mut self,
        (pipelines, state, next): (&Pipelines, &State, &State),
        path: String,
        policy: P,
        (old, new): (&Node, &Node),
        begin: fn() -> B,
        reconfigure: Reconfigure<B, P>,
    ) {
        let code = Some(&pipelines.0.given.code);
        let mut scratch = Notes::default();
        let mut read = |state: &State, node: &Node| {
            let document = &state.config.document;
            let mut reader = Reader::new(document, &state.policies, code, &mut scratch);
            (keys::read(begin(), node, &mut reader), node.clone())
        };
        let (old, new) = (read(state, old), read(next, new));
        let policy = Arc::new(policy);
        let other = Arc::clone(&policy);
        self.steps.push(Step {
            path,
            apply: Box::new(move || reconfigure(&policy, new.0.clone(), &new.1)),
            undo: Box::new(move || drop(reconfigure(&other, old.0.clone(), &old.1))),
        });
    }

    pub(super) fn pipelines(&mut self, pipelines: &Pipelines, state: &mut State, next: &mut State) {
        let mut live = std::mem::take(&mut next.live);
        for (name, new) in &mut live {
            let path = format!("pipelines.{name}");
            match state.live.get(name) {
                None => describe(&path, None, Some(&new.node), ("", ""), &mut self.changes),
                Some(old) => self.pipeline(pipelines, (state, next), &path, name, (old, new)),
            }
        }
        next.live = live;
        for (name, old) in &state.live {
            if !next.live.contains_key(name) {
                let kept = ("those that have it go on", "");
                let path = format!("pipelines.{name}");
                describe(&path, Some(&old.node), None, kept, &mut self.changes);
            }
        }
    }

    fn pipeline(
        &mut self,
        pipelines: &Pipelines,
        (state, next): (&State, &State),
        path: &str,
        name: &str,
        (old, new): (&Live, &mut Live),
    ) {
        let node = new.node.clone();
        match (&old.form, &mut new.form) {
            (LiveForm::Standard(running), LiveForm::Standard(_)) => {
                let of = (pipelines, state, next);
                self.standard(of, path, name, running, (&old.node, &node));
            }
            (LiveForm::Layers(running), LiveForm::Layers(layers)) => {
                let of = (pipelines, state, next);
                let list = format!("{path}.layers");
                self.list(of, &list, running, layers);
                self.check_types(path, &node, running, layers);
                for it in differences(&old.node, &node) {
                    if it.key != "layers" {
                        let path = joined(path, it.key);
                        describe(&path, it.old, it.new, ("", ""), &mut self.changes);
                    }
                }
            }
            _ => {
                let at = node.get("layers").or_else(|| node.get("base")).unwrap_or(&node);
                self.notes.refuse(path, &at.place, "another form of pipeline", RESTART);
            }
        }
    }

    fn standard(
        &mut self,
        (pipelines, state, next): (&Pipelines, &State, &State),
        path: &str,
        name: &str,
        running: &StandardPipeline,
        (old, new): (&Node, &Node),
    ) {
        let mut changed = false;
        for it in differences(old, new) {
            changed = true;
            let path = joined(path, it.key);
            let (kind, is_policy) = match it.key {
                "breaker" | "with_breaker" => (Kind::Breaker, true),
                "congestion_control" | "with_congestion_control" => (Kind::CongestionControl, true),
                "timeout" | "attempt_timeout" => (Kind::Timeout, false),
                _ => (Kind::Pipeline, false),
            };
            // Which policy is shared is part of what was built.
            let named = |node: Option<&Node>| node.and_then(Node::text).is_some();
            let exchanged = is_policy && (named(it.old) || named(it.new));
            let tally = |node: Option<&Node>| node.and_then(|it| it.get("tally")).cloned();
            let counts = kind == Kind::Breaker && tally(it.old) != tally(it.new);
            if exchanged || counts || !is_live::<seawall::StandardBuilder>(&it) {
                self.refuse(&path, it.new.unwrap_or(new));
                continue;
            }
            let off = it.new.is_none_or(Node::is_false);
            let effect = match (kind, off) {
                (Kind::Breaker, true) => ("totals", "state and window"),
                (kind, _) => effect(kind, it.key),
            };
            describe(&path, it.old, it.new, effect, &mut self.changes);
        }
        if !changed {
            return;
        }
        let code = Some(&pipelines.0.given.code);
        let builder = |state: &State, node: &Node| {
            let mut scratch = Notes::default();
            let document = &state.config.document;
            let mut reader = Reader::new(document, &state.policies, code, &mut scratch);
            keys::read(seawall::Pipeline::standard(name), node, &mut reader)
        };
        // A builder is taken once.
        let (new, old) = (take_once(builder(next, new)), take_once(builder(state, old)));
        let running = Arc::new(running.clone());
        let other = Arc::clone(&running);
        self.steps.push(Step {
            path: path.to_owned(),
            apply: Box::new(move || new().map_or(Ok(()), |builder| running.reconfigure(builder))),
            undo: Box::new(move || drop(old().map(|builder| other.reconfigure(builder)))),
        });
    }
}

pub(super) type Reconfigure<B, P> = fn(&P, B, &Node) -> Result<(), ConfigError>;

fn take_once<B>(builder: B) -> impl Fn() -> Option<B> {
    let cell = std::cell::Cell::new(Some(builder));
    move || cell.take()
}

fn joined(path: &str, key: &str) -> String {
    if key.is_empty() { path.to_owned() } else { format!("{path}.{key}") }
}

/// Whether a policy that runs can take the other value.
fn is_live<B: Keyed>(it: &crate::changes::Difference<'_>) -> bool {
    let live = B::KEYS.iter().any(|key| key.name == it.key && key.live);
    let (old, new) = (it.old, it.new);
    let is_table =
        |node: Option<&Node>| node.is_none_or(|node| matches!(node.value, Value::Table(_)));
    match (B::KIND, it.key) {
        // A budget of its own takes other figures; another budget is another.
        (Kind::Retry, "budget" | "own_budget") => live && is_table(old) && is_table(new),
        // A limit in the place of a function.
        (Kind::Timeout, "limit") | (Kind::Hedge, "delay" | "delay_percentile") => {
            live && old.is_some() == new.is_some()
        }
        (Kind::Budget, "in_flight") => live && old.is_some() == new.is_some(),
        _ => live,
    }
}

pub(super) fn limit_bulkhead(bulkhead: &Bulkhead, node: &Node) -> Result<(), ConfigError> {
    let limit = whole(node.get("limit")).and_then(|limit| u32::try_from(limit).ok());
    bulkhead.set_limit(limit.unwrap_or(bulkhead::defaults::LIMIT))
}

pub(super) fn limit_rate(limit: &RateLimit, node: &Node) -> Result<(), ConfigError> {
    let per_second = whole(node.get("per_second"));
    let rate = node.get("rate");
    let permits = per_second.or_else(|| whole(rate?.get("permits")));
    let period = rate.and_then(|rate| crate::time::parse(rate.get("period")?.text()?));
    let (permits, period) =
        (permits.unwrap_or(rate::defaults::PERMITS), period.unwrap_or(rate::defaults::PERIOD));
    match whole(node.get("burst")) {
        Some(burst) => limit.set_rate_and_burst(permits, period, burst),
        None => limit.set_rate(permits, period),
    }
}

fn whole(node: Option<&Node>) -> Option<u64> {
    match node?.value {
        Value::Whole(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

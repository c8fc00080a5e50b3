//! Takes another document while the pipelines of this one run: all of it, or nothing.

use std::sync::Arc;

use seawall::limit::{bulkhead, rate};
use seawall::{
    AdaptiveLimit, Breaker, Budget, Bulkhead, ConfigError, CongestionControl, Hedge, RateLimit,
    Retry, StandardPipeline, Throttle, Timeout,
};

use crate::changes::{Change, Changes, describe, differences, effect};
use crate::code::Named;
use crate::keys::{self, Keyed};
use crate::kind::Kind;
use crate::layers::{self, Built, Item};
use crate::mistakes::Notes;
use crate::pipelines::{Live, LiveForm, LiveLayers, State};
use crate::reader::Reader;
use crate::stack::{Once, Repeating};
use crate::tree::{Node, Value};
use crate::{Config, Mistakes, Pipelines};

const RESTART: &str = "what it was: to change it needs a restart";

/// One policy that takes other settings, and how to give it back the old ones.
struct Step {
    path: String,
    apply: Box<dyn Fn() -> Result<(), ConfigError>>,
    undo: Box<dyn Fn()>,
}

/// What is to be done, and what it changes.
#[derive(Default)]
struct Plan {
    steps: Vec<Step>,
    changes: Vec<Change>,
    notes: Notes,
}

impl Pipelines {
    /// Takes another document. Everything that it changes is changed, or, with an error, nothing.
    ///
    /// Pipelines that were given out go on with the new settings. A policy keeps its state wherever it
    /// can: an open circuit stays open with the time that it has left, a budget keeps its tokens, a
    /// limit its permits; the [changes](Changes) say what was kept and lost. Where a pipeline has
    /// `layers`, calls under way end in those with which they began. One that is no longer in the
    /// document goes on for everyone that has it.
    ///
    /// Calls wait for nothing.
    ///
    /// # Errors
    ///
    /// All that is wrong with the document, as in [`build`](crate::PipelinesBuilder::build); and what
    /// can't be changed while it runs.
    pub fn apply(&self, config: &Config) -> Result<Changes, Mistakes> {
        let mut state = self.0.state.lock();
        let mut next = self.0.given.build(config, &state.policies)?;
        let mut plan = Plan::default();
        plan.shared(self, &state, &next);
        plan.pipelines(self, &mut state, &mut next);
        let Plan { steps, changes, notes } = plan;
        notes.finish(())?;
        carry_out(&steps)?;
        // Nothing below can fail.
        let replaced = swap(&mut state, next);
        drop(state);
        drop(replaced);
        Ok(Changes(changes))
    }
}

fn carry_out(steps: &[Step]) -> Result<(), Mistakes> {
    for (done, step) in steps.iter().enumerate() {
        if let Err(error) = (step.apply)() {
            steps[..done].iter().rev().for_each(|step| (step.undo)());
            return Err(Mistakes::one(None, format!("{}: {error}", step.path)));
        }
    }
    Ok(())
}

/// Puts the new layers and tables in force. What they replace comes back, to be dropped without the
/// lock.
fn swap(state: &mut State, next: State) -> State {
    let mut next = next;
    for (name, live) in &mut next.live {
        let Some(before) = state.live.remove(name) else { continue };
        match (&mut live.form, before.form) {
            (LiveForm::Standard(new), LiveForm::Standard(running)) => *new = running,
            (LiveForm::Layers(new), LiveForm::Layers(running)) => {
                let LiveLayers { current, types, mut replaced, items } = running;
                let same = items.len() == new.items.len()
                    && items.iter().zip(&new.items).all(|(old, new)| old.is(new));
                if !same {
                    let layers = Arc::new(layers::stack(&new.items));
                    replaced.retain(|it| it.strong_count() > 0);
                    replaced.push(Arc::downgrade(&current.swap(layers)));
                }
                (new.current, new.types, new.replaced) = (current, types, replaced);
            }
            _ => {}
        }
    }
    std::mem::replace(state, next)
}

impl Plan {
    fn refuse(&mut self, path: &str, node: &Node) {
        self.notes.refuse(path, &node.place, format_args!("changed to {node}"), RESTART);
    }

    fn shared(&mut self, pipelines: &Pipelines, state: &State, next: &State) {
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
    fn look<B: Keyed>(&mut self, path: &str, old: &Node, new: &Node) -> Option<bool> {
        let found = differences(old, new);
        let live = found.iter().all(is_live::<B>);
        for it in &found {
            let lost = ("", "all that it has counted and measured");
            let effect = if live { effect(B::KIND, it.key) } else { lost };
            describe(&joined(path, it.key), it.old, it.new, effect, &mut self.changes);
        }
        (!found.is_empty()).then_some(live)
    }

    fn step<B: Keyed + Clone, P: 'static>(
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

    fn pipelines(&mut self, pipelines: &Pipelines, state: &mut State, next: &mut State) {
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

    /// Keeps the policies of a list that are the same, wherever they stand now.
    fn list(
        &mut self,
        of: (&Pipelines, &State, &State),
        path: &str,
        running: &LiveLayers,
        layers: &mut LiveLayers,
    ) {
        let mut left: Vec<&Item> = running.items.iter().collect();
        let order = |items: &[Item]| items.iter().map(|item| item.word).collect::<Vec<_>>();
        let (before, after) = (order(&running.items), order(&layers.items));
        if before != after {
            let kept = "calls under way end in the old order; policies of the same kind";
            self.changes.push(Change {
                path: path.to_owned(),
                old: Some(before.join(", ")),
                new: Some(after.join(", ")),
                kept,
                lost: "",
            });
        }
        for (number, item) in layers.items.iter_mut().enumerate() {
            let path = format!("{path}[{number}].{}", item.word);
            let Some(at) = left.iter().position(|old| old.word == item.word) else { continue };
            let old = left.remove(at);
            if old.node.table().is_none() || item.node.table().is_none() {
                if old.node == item.node {
                    item.layer = old.layer.clone();
                } else {
                    let lost = ("", "the place in the policy that it had");
                    describe(&path, Some(&old.node), Some(&item.node), lost, &mut self.changes);
                }
            } else {
                self.own(of, &path, old, item);
            }
        }
    }

    fn own(&mut self, of: (&Pipelines, &State, &State), path: &str, old: &Item, item: &mut Item) {
        macro_rules! own {
            ($policy:expr, $builder:expr, $reconfigure:expr) => {{
                let live = self.of_builder(path, (&old.node, &item.node), $builder);
                if live == Some(true) {
                    let nodes = (&old.node, &item.node);
                    let policy = $policy.clone();
                    self.step(of, path.to_owned(), policy, nodes, $builder, $reconfigure);
                }
                if live != Some(false) {
                    item.layer = old.layer.clone();
                }
            }};
        }
        match &old.layer {
            Built::Once(Once::Timeout(it)) => {
                own!(it, Timeout::builder, |it, to, _| it.reconfigure(to));
            }
            Built::Once(Once::Breaker(it)) => {
                own!(it, Breaker::builder, |it, to, _| it.reconfigure(to));
            }
            Built::Once(Once::Bulkhead(it)) => {
                own!(it, Bulkhead::builder, |it, _, node| limit_bulkhead(it, node));
            }
            Built::Once(Once::RateLimit(it)) => {
                own!(it, RateLimit::builder, |it, _, node| limit_rate(it, node));
            }
            Built::Once(Once::AdaptiveLimit(it)) => {
                own!(it, AdaptiveLimit::builder, |it, to, _| it.reconfigure(to));
            }
            Built::Once(Once::Throttle(it)) => {
                own!(it, Throttle::builder, |it, to, _| it.reconfigure(to));
            }
            Built::Repeating(Repeating::Retry(it)) => {
                own!(it, Retry::builder, |it, to, _| it.reconfigure(to));
            }
            Built::Repeating(Repeating::Hedge(it)) => {
                own!(it, Hedge::builder, |it, to, _| it.reconfigure(to));
            }
            Built::Repeating(Repeating::CongestionControl(it)) => {
                own!(it, CongestionControl::builder, |it, to, _| it.reconfigure(to));
            }
            Built::Once(Once::PanicGuard(_) | Once::Typed(_)) => {
                if old.node == item.node {
                    item.layer = old.layer.clone();
                } else {
                    let effect = ("", "what it has counted");
                    let nodes = (Some(&old.node), Some(&item.node));
                    describe(path, nodes.0, nodes.1, effect, &mut self.changes);
                }
            }
        }
    }

    /// [`look`](Self::look) for the builder that `_new` makes.
    fn of_builder<B: Keyed>(
        &mut self,
        path: &str,
        (old, new): (&Node, &Node),
        _new: fn() -> B,
    ) -> Option<bool> {
        self.look::<B>(path, old, new)
    }

    /// Layers for other results than the pipeline was asked for can't take their place.
    fn check_types(&mut self, path: &str, node: &Node, running: &LiveLayers, layers: &LiveLayers) {
        let stack = layers::stack(&layers.items);
        for typed in stack.typed() {
            if let Some(other) = running.types.iter().find(|types| **types != typed.types) {
                let given = format!("a layer for {}", typed.types.name);
                let allowed = format!("one for {}, as the pipeline is in use for it", other.name);
                self.notes.refuse(format!("{path}.layers"), &node.place, given, allowed);
            }
        }
    }
}

type Reconfigure<B, P> = fn(&P, B, &Node) -> Result<(), ConfigError>;

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

fn limit_bulkhead(bulkhead: &Bulkhead, node: &Node) -> Result<(), ConfigError> {
    let limit = whole(node.get("limit")).and_then(|limit| u32::try_from(limit).ok());
    bulkhead.set_limit(limit.unwrap_or(bulkhead::defaults::LIMIT))
}

fn limit_rate(limit: &RateLimit, node: &Node) -> Result<(), ConfigError> {
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// No document gets here: what a policy refuses was refused before. Were it otherwise, those before it
    /// would get back what they had.
    #[test]
    fn where_one_refuses_those_before_it_get_back_what_they_had() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let step = |number: u32| {
            let (applied, undone) = (Rc::clone(&log), Rc::clone(&log));
            let apply = move || {
                applied.borrow_mut().push(format!("apply {number}"));
                match number {
                    3 => Retry::builder().max_attempts(0).build().map(drop),
                    _ => Ok(()),
                }
            };
            let undo = move || undone.borrow_mut().push(format!("undo {number}"));
            Step {
                path: format!("retries.r{number}"),
                apply: Box::new(apply),
                undo: Box::new(undo),
            }
        };
        let steps: Vec<_> = (1..=4).map(step).collect();
        let mistakes = carry_out(&steps).unwrap_err().to_string();
        assert_eq!(mistakes, "retries.r3: retry: max_attempts is 0, but must be at least 1");
        assert_eq!(*log.borrow(), ["apply 1", "apply 2", "apply 3", "undo 2", "undo 1"]);
    }
}

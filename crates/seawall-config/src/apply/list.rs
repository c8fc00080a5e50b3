//! A list of layers that becomes another.

use seawall::{
    AdaptiveLimit, Breaker, Bulkhead, CongestionControl, Hedge, RateLimit, Retry, Throttle, Timeout,
};

use super::Plan;
use super::plan::{limit_bulkhead, limit_rate};
use crate::Pipelines;
use crate::changes::{Change, describe};
use crate::keys::Keyed;
use crate::layers::{self, Built, Item};
use crate::pipelines::{LiveLayers, State};
use crate::stack::{Once, Repeating};
use crate::tree::Node;

impl Plan {
    /// Keeps the policies of a list that are the same, wherever they stand now.
    pub(super) fn list(
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
    pub(super) fn check_types(
        &mut self,
        path: &str,
        node: &Node,
        running: &LiveLayers,
        layers: &LiveLayers,
    ) {
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

use std::collections::{BTreeSet, HashMap};

use seawall_core::{ConfigError, PolicyKind};

use crate::Step;
use crate::plan::Plan;

/// The steps in an order in which each comes after those that it names: as given, where that is
/// possible. What is left over is a cycle.
pub(super) fn in_order(
    plan: &Plan,
    steps: Vec<(String, Step)>,
) -> Result<impl Iterator<Item = (String, Step)> + use<>, ConfigError> {
    let order = {
        let given = steps.iter().enumerate();
        let names: HashMap<_, _> = given.map(|(id, (_, step))| (&*step.name, id)).collect();
        let mut waits_for = vec![0_usize; steps.len()];
        let mut dependents = vec![Vec::new(); steps.len()];
        for (id, (_, step)) in steps.iter().enumerate() {
            for after in &step.after {
                if let Some(&before) = names.get(&**after) {
                    waits_for[id] += 1;
                    dependents[before].push(id);
                } else if plan.find(after).is_none() {
                    let value = format_args!("'{after}' for step '{}'", step.name);
                    return Err(refused(value, "the name of a step"));
                }
            }
        }
        let mut ready: BTreeSet<_> = (0..steps.len()).filter(|&id| waits_for[id] == 0).collect();
        let mut order = Vec::new();
        while let Some(id) = ready.pop_first() {
            order.push(id);
            for &dependent in &dependents[id] {
                waits_for[dependent] -= 1;
                if waits_for[dependent] == 0 {
                    ready.insert(dependent);
                }
            }
        }
        if order.len() < steps.len() {
            let left = steps.iter().zip(&waits_for).filter(|&(_, &waits_for)| waits_for > 0);
            let names: Vec<_> = left.map(|((_, step), _)| &*step.name).collect();
            let names = names.join(", ");
            return Err(refused(format_args!("a cycle through {names}"), "free of cycles"));
        }
        order
    };
    let mut steps: Vec<_> = steps.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(move |id| steps[id].take()))
}

fn refused(value: std::fmt::Arguments<'_>, allowed: &'static str) -> ConfigError {
    ConfigError::new(PolicyKind::Shutdown, "after", value, allowed)
}

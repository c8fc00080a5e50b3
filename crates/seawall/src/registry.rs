//! The policies of a process that are to be looked at while they run.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;
use seawall_core::{Finding, Inspect, InspectId, Name, Policy, PolicyKind, Severity};

use crate::Pipeline;

/// The policies that telemetry and consoles look at: those of the pipelines that were registered.
///
/// Nothing registers itself. A pipeline that is built for one call, as for each host, shares the
/// policies that matter with the others, and those are registered once. Clones of a registry are
/// one registry. A registered policy lives until it is [removed](Self::remove).
///
/// ```
/// use seawall::{Pipeline, Registry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pipeline = Pipeline::standard("inventory").build()?;
/// let registry = Registry::default();
/// registry.register(&pipeline)?;
/// registry.each(|policy| println!("{} '{}'", policy.policy_kind(), policy.name()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Registry(Arc<RwLock<Held>>);

#[derive(Default)]
struct Held {
    policies: Vec<Arc<dyn Inspect>>,
    ids: HashSet<InspectId>,
    /// How many policies have each name: two of one pipeline may share it.
    names: HashMap<(PolicyKind, Name), u32>,
    /// The budgets of pipelines whose load is known.
    payers: Vec<Payer>,
}

/// A pipeline that pays into a budget.
#[derive(Clone)]
struct Payer {
    budget: InspectId,
    pipeline: Name,
    per_second: f64,
}

/// Where one pipeline has this multiple of the load of another, and both share a budget, it alone
/// decides what the other may repeat.
const UNEQUAL: f64 = 100.0;

/// Why a policy was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Another policy of this kind has the name, so their series could not be told apart.
    #[error("another {kind} is registered under the name '{name}'")]
    #[non_exhaustive]
    NameTaken {
        /// The kind of both.
        kind: PolicyKind,
        /// The name of both.
        name: Name,
    },
    /// The registry holds as many policies as it can.
    #[error("the registry holds {} policies, which is its limit", Registry::MAX_POLICIES)]
    Full,
}

impl Registry {
    /// How many policies a registry holds at most.
    pub const MAX_POLICIES: usize = 65_536;

    /// Registers the policies of `pipeline`. One that is registered already stays so, once.
    ///
    /// # Errors
    ///
    /// Registers either all of them or, with an error, none: [`RegistryError::NameTaken`] where
    /// another policy of one's kind has its name, [`RegistryError::Full`] beyond
    /// [`MAX_POLICIES`](Self::MAX_POLICIES).
    pub fn register<P: Policy, C>(&self, pipeline: &Pipeline<P, C>) -> Result<(), RegistryError> {
        let policies = policies(pipeline.policy());
        let budgets = policies.iter().filter(|it| it.policy_kind() == PolicyKind::Budget);
        let budgets: Vec<InspectId> = budgets.map(|it| it.id()).collect();
        self.register_all(policies)?;
        if let Some(load) = pipeline.expected_load() {
            let held = &mut self.0.write().payers;
            for budget in budgets {
                let name = pipeline.name();
                held.retain(|payer| (payer.budget, &payer.pipeline) != (budget, name));
                if held.len() < Self::MAX_POLICIES {
                    let (pipeline, per_second) = (name.clone(), load.rate());
                    held.push(Payer { budget, pipeline, per_second });
                }
            }
        }
        Ok(())
    }

    /// What is questionable about the registered pipelines together: a budget that several share
    /// whose [loads](crate::ExpectedLoad) differ by 100 and more. Of one pipeline,
    /// [it](Pipeline::findings) says it.
    pub fn findings(&self) -> Vec<Finding> {
        let (policies, payers) = {
            let held = self.0.read();
            (held.policies.clone(), held.payers.clone())
        };
        let unequal = policies.iter().filter_map(|budget| {
            let payers = payers.iter().filter(|payer| payer.budget == budget.id());
            let by_load =
                |one: &&Payer, other: &&Payer| one.per_second.total_cmp(&other.per_second);
            let (least, most) = (payers.clone().min_by(by_load)?, payers.max_by(by_load)?);
            let value = format!(
                "one for '{}' with {} calls a second and for '{}' with {}",
                most.pipeline, most.per_second, least.pipeline, least.per_second
            );
            let finding = Finding::new(
                "share/budget-of-many",
                Severity::Info,
                (PolicyKind::Budget, budget.name()),
                "budget",
                value,
                "one each, as the busy one decides what the other may repeat",
            );
            let unequal = most.per_second >= UNEQUAL * least.per_second;
            (unequal && most.per_second > least.per_second).then_some(finding)
        });
        unequal.collect()
    }

    /// Registers one policy: a handle that is in no pipeline, or a keyed set.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub fn register_policy(&self, policy: Arc<dyn Inspect>) -> Result<(), RegistryError> {
        self.register_all(vec![policy])
    }

    fn register_all(&self, policies: Vec<Arc<dyn Inspect>>) -> Result<(), RegistryError> {
        let mut guard = self.0.write();
        let held = &mut *guard;
        let mut new: Vec<Arc<dyn Inspect>> = Vec::new();
        for policy in policies {
            let id = policy.id();
            if !held.ids.contains(&id) && new.iter().all(|it| it.id() != id) {
                new.push(policy);
            }
        }
        // Of those that were registered before: the two timeouts of one pipeline may share a name.
        let taken = new.iter().map(|it| named(&**it)).find(|name| held.names.contains_key(name));
        let verdict = match taken {
            Some((kind, name)) => Err(RegistryError::NameTaken { kind, name }),
            None if held.policies.len() + new.len() > Self::MAX_POLICIES => {
                Err(RegistryError::Full)
            }
            None => {
                for policy in &new {
                    held.ids.insert(policy.id());
                    *held.names.entry(named(&**policy)).or_default() += 1;
                }
                held.policies.append(&mut new);
                Ok(())
            }
        };
        drop(guard);
        // Dropping the last handle of a policy runs the user's code.
        drop(new);
        verdict
    }

    /// Removes the policies of `pipeline`, also from under other pipelines that share them.
    pub fn remove<P: Policy, C>(&self, pipeline: &Pipeline<P, C>) {
        let ids: Vec<InspectId> = policies(pipeline.policy()).iter().map(|it| it.id()).collect();
        let removed: Vec<_> = {
            let mut held = self.0.write();
            held.payers.retain(|payer| !ids.contains(&payer.budget));
            let removed: Vec<_> =
                held.policies.extract_if(.., |it| ids.contains(&it.id())).collect();
            for policy in &removed {
                held.ids.remove(&policy.id());
                let name = named(&**policy);
                if held.names.get_mut(&name).is_some_and(|count| {
                    *count -= 1;
                    *count == 0
                }) {
                    held.names.remove(&name);
                }
            }
            removed
        };
        drop(removed);
    }

    /// Shows `look` every policy, in the order of their registration. It sees the set as
    /// it was at the start, whatever `look` registers or removes.
    pub fn each(&self, mut look: impl FnMut(&dyn Inspect)) {
        let policies = self.0.read().policies.clone();
        for policy in policies {
            look(&*policy);
        }
    }

    /// The number of policies.
    pub fn len(&self) -> usize {
        self.0.read().policies.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn named(policy: &dyn Inspect) -> (PolicyKind, Name) {
    (policy.policy_kind(), policy.name().clone())
}

fn policies(policy: &impl Policy) -> Vec<Arc<dyn Inspect>> {
    let mut found = Vec::new();
    policy.inspect(&mut |policy| found.push(policy));
    found
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("policies", &self.len()).finish()
    }
}

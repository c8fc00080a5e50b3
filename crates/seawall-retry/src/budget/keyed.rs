//! A budget for each key.

use seawall_core::{ConfigError, Keep, Keyed, Reporter};

use super::share::SharePlan;
use super::tokens::TokenPlan;
use super::{Budget, BudgetBuilder};

/// A [`Budget`] for each key: host, tenant. A key whose dependency is down then does not use up what
/// the others need. The budget of a key is called `name[key]`.
///
/// A budget is idle if nobody else holds it, its reserve is there and nothing is in flight. What it
/// has saved beyond the reserve is lost when it makes room for another. New keys that find no room
/// share one budget, so a caller that makes up keys gets one more budget at most.
///
/// ```
/// use seawall_retry::{Budget, KeyedBudget, Retry};
///
/// let budgets: KeyedBudget<String> = KeyedBudget::new(Budget::builder(), 1_000)?;
/// let retry = Retry::builder().idempotent().build()?;
/// let for_host = retry.with_budget(&budgets.get("db-1.internal"));
/// # Ok::<(), seawall_core::ConfigError>(())
/// ```
pub type KeyedBudget<K> = Keyed<K, Budget>;

/// What the budgets of a set are made from, and the one that keys without room share.
#[derive(Debug)]
pub struct BudgetTemplate {
    tokens: Option<TokenPlan>,
    share: Option<SharePlan>,
    shared: Budget,
}

impl Keep for Budget {
    type Builder = BudgetBuilder;
    type Template = BudgetTemplate;

    fn template(builder: BudgetBuilder) -> Result<(Reporter, BudgetTemplate), ConfigError> {
        let (reporter, tokens, share) = builder.parts()?;
        let shared = Budget::of(reporter.clone(), tokens, share);
        Ok((reporter, BudgetTemplate { tokens, share, shared }))
    }

    fn make(template: &BudgetTemplate, reporter: Reporter) -> Self {
        Self::of(reporter, template.tokens, template.share)
    }

    fn reconfigure(&self, template: &BudgetTemplate) {
        self.apply(template.tokens, template.share);
    }

    fn is_idle(&self) -> bool {
        self.is_replaceable()
    }

    fn without_room(template: &BudgetTemplate, _: Self) -> Self {
        template.shared.clone()
    }
}

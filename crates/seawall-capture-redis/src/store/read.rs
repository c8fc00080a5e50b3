//! Reading, which takes nothing and writes nothing.

use std::collections::HashSet;

use seawall_capture::Fingerprint;
use seawall_capture::store::{Filter, Group, Order, StoreError, Totals};

use super::{Inner, PAGE};
use crate::reply::{self, GroupReply, TotalsReply};

impl Inner {
    /// The names of groups, in `order`, from the place `from` on.
    async fn names(
        &self,
        order: Order,
        from: usize,
        most: usize,
    ) -> Result<Vec<String>, StoreError> {
        let list = match order {
            Order::Count => "count",
            _ => "seen",
        };
        let to = i64::try_from(from.saturating_add(most)).map_or(-1, |end| end - 1);
        self.call(&self.scripts.invoke(&self.scripts.names).and(list).and(from).and(to)).await
    }

    async fn groups(&self, names: &[String]) -> Result<Vec<Group>, StoreError> {
        let script = self.scripts.invoke(&self.scripts.groups).and(names.len()).and(names);
        let groups: Vec<GroupReply> = self.call(&script).await?;
        reply::groups(groups)
    }

    pub(super) async fn list(&self, filter: &Filter) -> Result<Vec<Group>, StoreError> {
        // All names at once, where any of them may be let through: in pages a group that comes
        // in between would move from one that was not read to one that was.
        let most = if lets_all_through(filter) { filter.limit } else { usize::MAX };
        let (mut groups, mut known) = (Vec::new(), HashSet::new());
        let mut from = 0;
        while groups.len() < filter.limit {
            let names = self.names(filter.order, from, most).await?;
            for page in names.chunks(PAGE) {
                let page = self.groups(page).await?;
                let page = page.into_iter().filter(|group| filter.lets_through(group));
                groups.extend(page.filter(|group| known.insert(group.fingerprint)));
                if groups.len() >= filter.limit {
                    break;
                }
            }
            from += names.len();
            if names.len() < most {
                break;
            }
        }
        groups.truncate(filter.limit);
        Ok(groups)
    }

    pub(super) async fn group(&self, name: Fingerprint) -> Result<Option<Group>, StoreError> {
        Ok(self.groups(&[name.to_string()]).await?.pop())
    }

    pub(super) async fn totals(&self) -> Result<Totals, StoreError> {
        let counted: TotalsReply = self.call(&self.scripts.invoke(&self.scripts.totals)).await?;
        let [recorded, held, other, in_flight, delivered, expired, dropped, groups, evicted, bytes] =
            counted;
        let mut totals = Totals::default();
        totals.recorded = recorded;
        totals.held = held;
        totals.other = other;
        totals.in_flight = in_flight;
        totals.delivered = delivered;
        totals.expired = expired;
        totals.dropped.queue_full = dropped;
        totals.groups = groups;
        totals.evicted = evicted;
        totals.bytes = bytes;
        Ok(totals)
    }
}

/// Whether it asks for no more than an order and a number.
fn lets_all_through(filter: &Filter) -> bool {
    let Filter { since, kind, severity, source, text, limit: _, order: _ } = filter;
    since.is_none() && kind.is_none() && severity.is_none() && source.is_none() && text.is_none()
}

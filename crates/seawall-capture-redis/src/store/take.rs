//! Taking, in two steps.

use std::sync::Arc;

use seawall_capture::store::{Batch, BatchId, Group, StoreError};

use super::{Inner, PAGE};
use crate::reply;
use crate::scripts::Arguments;

/// How many batches may be in flight, as in memory.
const MAX_BATCHES: usize = 64;

impl Inner {
    pub(super) async fn take(&self, max: usize) -> Result<Batch, StoreError> {
        let id = BatchId(rand::random::<u64>() % BatchId::END);
        let (mut groups, mut other) = (Vec::new(), 0);
        for page in 0.. {
            let most = PAGE.min(max - groups.len());
            let script = self.scripts.invoke(&self.scripts.take);
            let script = script.text(id.0).and(page).and(most).and(MAX_BATCHES);
            let taken = self.take_page(&script).await?;
            let full = taken.1.len() == most;
            other = taken.0;
            groups.extend(taken.1.into_iter().map(Arc::new));
            if !full || groups.len() == max {
                break;
            }
        }
        Ok(Batch::new(id, groups, other))
    }

    async fn take_page(&self, script: &Arguments<'_>) -> Result<(u64, Vec<Group>), StoreError> {
        let answer: redis::Value = self.call(script).await?;
        let read = |error: redis::ParsingError| reply::broken("a batch", &error);
        match redis::from_redis_value(answer.clone()).map_err(read) {
            Ok((0_u8, other, groups)) => Ok((other, reply::groups(groups)?)),
            Err(error) => match redis::from_redis_value(answer) {
                Ok((2_u8,)) => Err(StoreError::TooManyBatches),
                Ok((_,)) => {
                    Err(StoreError::Unavailable("the batch went back while it was taken".into()))
                }
                Err(_) => Err(error),
            },
            Ok(_) => Err(StoreError::Corrupt("a batch of an unknown kind".into())),
        }
    }

    pub(super) async fn put_back(&self, id: BatchId) -> Result<bool, StoreError> {
        let there = self.call(&self.once(&self.scripts.put_back).text(id.0)).await?;
        let more = self.scripts.invoke(&self.scripts.give_back).text(id.0);
        while there && self.call::<u64>(&more).await? > 0 {}
        Ok(there)
    }
}

//! The store in memory as any store.

use std::future::ready;

use super::MemoryStore;
use crate::store::{
    Batch, BatchId, Filter, Group, Mute, Resolution, Seen, Store, StoreFuture, Totals,
};
use crate::{Fingerprint, Record};

impl Store for MemoryStore {
    fn record(&self, record: &Record) -> Seen {
        Self::record(self, record)
    }

    fn sync(&self) -> StoreFuture<'_, ()> {
        // Every reading works off what waits.
        Box::pin(ready(Ok(())))
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> StoreFuture<'a, Vec<Group>> {
        Box::pin(ready(Ok(Self::list(self, filter))))
    }

    fn group(&self, fingerprint: Fingerprint) -> StoreFuture<'_, Option<Group>> {
        Box::pin(ready(Ok(Self::group(self, fingerprint))))
    }

    fn totals(&self) -> StoreFuture<'_, Totals> {
        Box::pin(ready(Ok(Self::totals(self))))
    }

    fn take(&self, max: usize) -> StoreFuture<'_, Batch> {
        Box::pin(ready(Self::take(self, max)))
    }

    fn acknowledge(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(Self::acknowledge(self, batch))))
    }

    fn put_back(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(Self::put_back(self, batch))))
    }

    fn resolve(&self, fingerprint: Fingerprint, resolution: Resolution) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(Self::resolve(self, fingerprint, resolution))))
    }

    fn mute(&self, fingerprint: Fingerprint, mute: Option<Mute>) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(Self::mute(self, fingerprint, mute))))
    }

    fn merge(&self, from: Fingerprint, into: Fingerprint) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(Self::merge(self, from, into))))
    }
}

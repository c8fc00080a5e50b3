//! Calls at a constant rate: the next one is made when its time has come, whether or
//! not the ones before it are over.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::{Client, Line};
use crate::ledger::Ledger;
use crate::wire::Wire;

/// When calls are made.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub first: Instant,
    pub end: Instant,
    pub per_second: u32,
}

impl Pace {
    /// When call number `number` is due, counted from 0; `None` after the last.
    fn due(&self, number: u32) -> Option<Instant> {
        let after = Duration::from_secs(1) * number / self.per_second;
        Some(self.first + after).filter(|&due| due < self.end)
    }
}

/// Makes calls at the given `pace`, until its end or until `stop`; returns when the last one is settled.
pub async fn drive(
    client: impl Client,
    wire: Wire,
    ledger: Arc<Ledger>,
    pace: Pace,
    stop: CancellationToken,
) {
    let (client, wire) = (Arc::new(client), Arc::new(wire));
    let calls = TaskTracker::new();
    let mut number = 0;
    // A call that is late is made at once, so that the rate holds in the long run.
    while let Some(due) = pace.due(number) {
        if stop.run_until_cancelled(sleep_until(due)).await.is_none() {
            break;
        }
        let line = Line::new(Arc::clone(&wire), ledger.open(due));
        let client = Arc::clone(&client);
        calls.spawn(async move {
            let outcome = client.call(&line).await;
            line.settle(outcome);
        });
        number += 1;
    }
    // The last call may be answered before the script is over.
    stop.run_until_cancelled(sleep_until(pace.end)).await;
    calls.close();
    calls.wait().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_pace_is_constant_and_ends() {
        let first = Instant::now();
        let pace = Pace { first, end: first + Duration::from_secs(2), per_second: 150 };
        let due: Vec<_> = (0..).map_while(|number| pace.due(number)).collect();
        assert_eq!(due.len(), 300);
        assert_eq!(due[150], first + Duration::from_secs(1));
    }
}

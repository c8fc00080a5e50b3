//! Callers with a short deadline among callers with a long one, in a surge that is more than the server
//! can do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use seawall::{Attempt, Pipeline, Random, StandardPipeline};
use seawall_rehearse::{Answer, Calling, Client, Request, Scenario, Stack};
use tokio::time::Instant;

use crate::play;

const LONG: Duration = Duration::from_millis(500);
const SURGE: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(15)];

/// A server of 1,000 requests a second, 700 calls a second, 1,400 in the surge: 71 of 100 are possible.
fn surge(seeds: u32) -> Scenario {
    let text = format!(
        "seeds = {seeds}\n[load]\nrate = 700\ndeadline = '500ms'\n\
         short = {{ share = 0.5, deadline = '100ms' }}\n\
         surges = [{{ at = '10s', for = '5s', times = 2 }}]\n\
         [server]\nslots = 10\nservice = {{ kind = 'exponential', mean = '10ms' }}\n"
    );
    Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Calls made in the surge, and those that were answered.
#[derive(Debug, Default)]
struct Counts {
    calls: AtomicU32,
    answered: AtomicU32,
}

impl Counts {
    fn percent(&self) -> f64 {
        let count = |of: &AtomicU32| f64::from(of.load(Ordering::Relaxed));
        count(&self.answered) / count(&self.calls) * 100.0
    }
}

struct Counting {
    pipeline: Arc<StandardPipeline>,
    began: Instant,
    /// Of short deadlines, and of long ones.
    counts: Arc<[Counts; 2]>,
}

impl Client for Counting {
    fn call(&self, request: Request) -> Calling {
        let (now, deadline) = (Instant::now(), request.deadline());
        let since = now - self.began;
        let counted = (SURGE[0]..SURGE[1]).contains(&since);
        let is_long = deadline - now > LONG / 2;
        let (pipeline, counts) = (Arc::clone(&self.pipeline), Arc::clone(&self.counts));
        Box::pin(async move {
            let send = |_: Attempt| {
                let answer = request.send();
                async move { if answer.await == Answer::Done { Ok(()) } else { Err("bad") } }
            };
            let answered = pipeline.call_with(send).deadline(deadline).await.is_ok();
            if counted {
                let counts = &counts[usize::from(is_long)];
                counts.calls.fetch_add(1, Ordering::Relaxed);
                counts.answered.fetch_add(answered.into(), Ordering::Relaxed);
            }
            answered
        })
    }
}

#[test]
fn short_deadlines_and_long_ones_are_answered_alike() {
    let counts: Arc<[Counts; 2]> = Arc::default();
    let counted = Arc::clone(&counts);
    let stack = Stack::new("standard", move |random: Random| {
        let standard = Pipeline::standard("shop").timeout(LONG).idempotent().random(random);
        Counting {
            pipeline: Arc::new(standard.build().expect("valid settings")),
            began: Instant::now(),
            counts: Arc::clone(&counted),
        }
    });
    let seeds = if cfg!(debug_assertions) { 4 } else { 20 };
    play(&surge(seeds), vec![stack]);
    let [short, long] = [counts[0].percent(), counts[1].percent()];
    println!("answered: {short:.1} of 100 short ones, {long:.1} of 100 long ones");
    assert!(short >= 72.0 && long >= 71.0, "{short:.1} short, {long:.1} long");
}

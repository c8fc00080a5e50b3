//! Places, tokens and waiters are conserved whatever happens to calls, at random and under paused time.
//! The calls are tasks with wakers of their own, so a wake-up that is lost shows as a call that outlives its
//! deadline.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{AllTransient, Attempt, Error, FromAttemptFn, Lazy, Policy, Random};
use seawall_limit::{CongestionControl, WhileDown};
use seawall_testkit::Alive;
use tokio::task::{AbortHandle, JoinError, JoinSet, yield_now};
use tokio::time::{Instant, sleep, sleep_until};

const MS: Duration = Duration::from_millis(1);

/// What the server does at present, which changes now and then.
#[derive(Clone, Copy)]
enum Mood {
    Quick,
    Slow,
    Failing,
    Hanging,
}

#[derive(Debug)]
struct Chance(Random);

impl Chance {
    fn below(&self, bound: u32) -> u32 {
        u32::try_from(self.0.below(bound.into())).expect("it is below a u32")
    }

    fn mood(&self) -> Mood {
        [Mood::Quick, Mood::Quick, Mood::Slow, Mood::Failing, Mood::Hanging][self.below(5) as usize]
    }

    /// How long an attempt takes, if it ends, and whether it is answered well.
    fn attempt(&self, mood: Mood) -> Option<(Duration, bool)> {
        let odd = self.below(20) == 0;
        match mood {
            Mood::Quick => Some((MS * self.below(20), !odd)),
            Mood::Slow => Some((MS * (50 + self.below(200)), !odd)),
            Mood::Failing => Some((MS * self.below(10), odd)),
            Mood::Hanging => odd.then_some((MS, true)),
        }
    }
}

/// A call that is due at `due`, whose attempts are counted as `alive`.
async fn call(
    control: Arc<CongestionControl>,
    chance: Arc<Chance>,
    mood: Mood,
    due: Instant,
    alive: Alive,
) {
    let attempt = |_: Attempt| {
        let (drawn, token) = (chance.attempt(mood), alive.token());
        async move {
            let _token = token;
            match drawn {
                None => sleep_until(due).await,
                Some((took, _)) => sleep(took).await,
            }
            if drawn.is_some_and(|(_, good)| good) { Ok(()) } else { Err("bad") }
        }
    };
    let wrapped = control.wrap(FromAttemptFn::new(attempt, &AllTransient));
    let _: Result<(), Error<&str>> = Lazy::new(wrapped).deadline(due).await;
    // An attempt that began in time may end 250 ms after the deadline, as nothing cuts it off.
    assert!(Instant::now() <= due + 251 * MS, "a call outlives its deadline");
}

/// What happened, to see that everything did.
#[derive(Debug, Default)]
struct Counts {
    calls: u64,
    dropped: u64,
    most_waiting: usize,
    most_lingering: usize,
    down: u64,
}

#[derive(Default)]
struct Tasks {
    calls: JoinSet<()>,
    handles: Vec<AbortHandle>,
}

impl Tasks {
    /// Drops one of the latest.
    fn drop_one(&mut self, chance: &Chance) {
        let latest = u32::try_from(self.handles.len().min(64)).expect("at most 64");
        let index = self.handles.len() - 1 - chance.below(latest) as usize;
        self.handles.swap_remove(index).abort();
    }

    fn collect(&mut self) {
        while let Some(over) = self.calls.try_join_next() {
            check(over);
        }
        if self.handles.len() > 1_000 {
            self.handles.retain(|handle| !handle.is_finished());
        }
    }
}

fn check(over: Result<(), JoinError>) {
    if let Err(error) = over {
        assert!(error.is_cancelled(), "{error}");
    }
}

/// Plays until the calls that came or were dropped and the attempts add up to `operations`.
async fn play(seed: u64, while_down: WhileDown, operations: u64) -> Counts {
    let chance = Arc::new(Chance(Random::seeded(seed)));
    let control = CongestionControl::builder().idempotent().while_down(while_down);
    let control = Arc::new(control.random(Random::seeded(seed + 1)).build().unwrap());
    let alive = Alive::default();
    let (mut tasks, mut counts, mut mood) = (Tasks::default(), Counts::default(), Mood::Quick);
    while counts.calls + counts.dropped + (alive.ever() as u64) < operations {
        if counts.calls % 500 == 0 {
            mood = chance.mood();
        }
        counts.calls += 1;
        let due = Instant::now() + MS * (1 + chance.below(500));
        let called = call(Arc::clone(&control), Arc::clone(&chance), mood, due, alive.clone());
        let handle = tasks.calls.spawn(called);
        tasks.handles.push(handle);
        match chance.below(8) {
            0..2 => {
                tasks.drop_one(&chance);
                counts.dropped += 1;
            }
            2..4 => yield_now().await,
            _ => sleep(MS * chance.below(6)).await,
        }
        tasks.collect();
        if counts.calls % 16 == 0 {
            // All that were woken run, so that what was granted is taken.
            for _ in 0..4 {
                yield_now().await;
            }
            tasks.collect();
            let state = control.snapshot();
            // Requests that are known to be lost are alive, and don't count.
            let counted = state.in_flight as usize - state.lingering;
            assert!(counted <= alive.now(), "{state:?}, {} are alive", alive.now());
            assert!(state.waiting <= tasks.calls.len() && state.tokens <= 10, "{state:?}");
            counts.most_waiting = counts.most_waiting.max(state.waiting);
            counts.most_lingering = counts.most_lingering.max(state.lingering);
            counts.down += u64::from(state.down);
        }
    }
    while let Some(over) = tasks.calls.join_next().await {
        check(over);
    }
    assert_eq!(alive.now(), 0);
    sleep(Duration::from_mins(1)).await;
    let answer = |_: Attempt| async { Ok::<_, &str>(()) };
    Lazy::new(control.wrap(FromAttemptFn::new(answer, &AllTransient))).await.unwrap();
    let state = control.snapshot();
    assert_eq!((state.in_flight, state.waiting, state.lingering), (0, 0, 0), "{state:?}");
    counts
}

async fn everything_is_conserved(operations: u64) {
    for (seed, while_down) in [(1, WhileDown::Wait), (2, WhileDown::Refuse)] {
        let counts = play(seed, while_down, operations / 2).await;
        println!("{while_down:?}: {counts:?}");
        let happened = counts.most_waiting > 20 && counts.most_lingering > 2 && counts.down > 5;
        assert!(happened, "{counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn everything_is_conserved_whatever_happens() {
    everything_is_conserved(if cfg!(debug_assertions) { 40_000 } else { 400_000 }).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "takes a minute in a debug build"]
async fn everything_is_conserved_in_a_million_operations() {
    everything_is_conserved(1_000_000).await;
}

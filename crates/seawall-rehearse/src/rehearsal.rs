//! Every stack against every seed, on as many threads as there are processors.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::report::{Report, StackReport};
use crate::run::{Clock, Played, play};
use crate::scenario::Scenario;
use crate::stack::Stack;

/// A scenario and the stacks that it is played against.
///
/// ```
/// use seawall_rehearse::{Rehearsal, Scenario, Stack};
///
/// # let text = "
/// # [load]\nrate = 300\ndeadline = '500ms'\n[server]\nslots = 10\nservice = '10ms'
/// # [[fault]]\nkind = 'down'\nat = '1s'\nfor = '1s'\n";
/// let scenario = Scenario::parse(text)?;
/// let report = Rehearsal::new(scenario).stack(Stack::standard()).run()?;
/// let standard = report.stack("standard").expect("it was played");
/// assert!(standard.worst.recovery < 1.0);
/// println!("{}", report.table());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rehearsal {
    scenario: Scenario,
    stacks: Vec<Stack>,
    clock: Clock,
    threads: usize,
}

impl Rehearsal {
    /// A rehearsal with the stacks of the scenario, and no protection, naive retries
    /// and the omniscient client.
    pub fn new(scenario: Scenario) -> Self {
        let named = scenario.stacks.iter();
        let mut stacks = vec![Stack::none(), Stack::naive()];
        stacks.extend(named.map(|stack| Stack::from_settings(&stack.name, &stack.settings)));
        stacks.push(Stack::omniscient());
        Self::of(scenario, stacks)
    }

    /// A rehearsal of `stacks` alone.
    pub fn of(scenario: Scenario, stacks: Vec<Stack>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { scenario, stacks, clock: Clock::Virtual, threads }
    }

    /// Adds a stack. One of the same name is replaced.
    #[must_use]
    pub fn stack(mut self, stack: Stack) -> Self {
        self.stacks.retain(|other| other.name() != stack.name());
        let before_the_omniscient = self.stacks.iter().position(|stack| stack.make().is_none());
        self.stacks.insert(before_the_omniscient.unwrap_or(self.stacks.len()), stack);
        self
    }

    /// What is played.
    pub fn stacks(&self) -> &[Stack] {
        &self.stacks
    }

    /// Goes by `clock`. The omniscient client is always played in virtual time.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Plays on at most `threads` threads. What comes out is the same.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Plays every stack against every seed.
    ///
    /// # Errors
    ///
    /// Where a stack can't be built.
    pub fn run(&self) -> Result<Report, Unplayable> {
        self.run_with(|_| {})
    }

    /// Like [`run`](Self::run), and reports progress: runs that are over, of how many, and whose.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_with(&self, progress: impl Fn(Progress<'_>) + Sync) -> Result<Report, Unplayable> {
        let seeds: Vec<_> = self.scenario.each_seed().collect();
        let total = self.stacks.len() * seeds.len();
        let (next, over) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let played: Mutex<Vec<Option<Result<Played, String>>>> = Mutex::new(vec![None; total]);
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= total {
                    return;
                }
                let (stack, seed) = (&self.stacks[index / seeds.len()], seeds[index % seeds.len()]);
                let result = play(&self.scenario, stack, seed, self.clock);
                played.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(result);
                let over = over.fetch_add(1, Ordering::Relaxed) + 1;
                progress(Progress { over, total, stack: stack.name() });
            }
        };
        // Threads of their own, as a run blocks on a runtime of its own and the caller may be inside one.
        std::thread::scope(|scope| {
            for _ in 0..self.threads.min(total) {
                scope.spawn(work);
            }
        });
        let played = played.into_inner().unwrap_or_else(PoisonError::into_inner);
        let played: Result<Vec<_>, _> = played.into_iter().flatten().collect();
        let mut played = played.map_err(Unplayable)?;
        let mut stacks = Vec::new();
        for stack in &self.stacks {
            let runs = played.drain(..seeds.len()).collect();
            stacks.push(StackReport::new(stack.name(), runs));
        }
        Ok(Report::new(&self.scenario, seeds, stacks))
    }
}

/// How far a rehearsal is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Runs that are over.
    pub over: usize,
    /// Runs in all.
    pub total: usize,
    /// The stack of the run that ended.
    pub stack: &'a str,
}

/// A stack can't be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplayable(String);

impl Unplayable {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl std::fmt::Display for Unplayable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unplayable {}

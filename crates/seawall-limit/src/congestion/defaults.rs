//! The constants of congestion control, with the reason for each. They were chosen on random worlds
//! in virtual time, and none depends on a service: whatever does is measured or follows from the
//! deadline.

use std::time::Duration;

/// The deadline that a call without one is taken to have. Ten seconds is the limit for keeping a
/// person's attention (Nielsen, Usability Engineering, 1993).
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How many requests a call may send, the first included. At an error rate of 30 % three fail
/// together in 3 calls of 100; a fourth would hardly change that.
pub const MAX_ATTEMPTS: u32 = 3;

/// The repetitions in store, which bound a burst. Each success pays for one more.
pub const MAX_TOKENS: u32 = 10;

/// The most calls that wait: what a process has memory for.
pub const MAX_WAITERS: usize = 1_000_000;

/// Failures in a row, begun after the first one, after which a dependency counts as down, if the time
/// without a success is long enough, too. At 80 % errors 1 failure in 100 begins such a row.
pub const FAILURES: u32 = 20;

/// The same where not even an error was answered since the first of them.
pub const FAILURES_UNHEARD: u32 = 6;

/// The failures in a row for which no silence is needed: at 90 % errors 1 failure in 70 begins such a
/// row. Failures that come at once empty the queue into the outage before the silence is long enough.
pub const FAILURES_CERTAIN: u32 = 40;

/// The share of answers that a call waits for before it hedges. One call in twenty is then made twice,
/// which cuts most of a slow tail (Dean and Barroso: "The Tail at Scale", 2013).
pub const HEDGE_SHARE: f64 = 0.95;

/// How many answers that has to rest on: the five slowest of a hundred.
pub const HEDGE_SAMPLES: u32 = 100;

/// A call hedges after this time as long as there are fewer: few services take as long in health.
pub const HEDGE_UNKNOWN: Duration = Duration::from_secs(2);

/// A step of the time that this share of answers takes, in mean deviations: wide enough to follow within
/// a hundred answers, narrow enough to stay within one deviation.
pub(super) const HEDGE_STEP: f64 = 0.25;

/// Failures in a row, begun after the first one, after which repetitions wait for a success: what fails
/// twice fails again, and a call has three requests only. Errors at random succeed in between.
pub(super) const HELD_AFTER: u32 = 2;

/// The part of the deadline before a call is due in which its repetition waits no longer.
pub(super) const LAST_CHANCE: f64 = 0.3;

/// Callers that want to be refused are refused once nothing was answered for this many deadlines. Half
/// of the outages are over before, and a call that waits is answered then.
pub(super) const REFUSED_AFTER: f64 = 1.0;

/// The limit before anything is known. Calls wait while it grows, so a wrong one costs little.
pub(super) const FIRST_LIMIT: f64 = 20.0;

/// The time that answers may take at the dependency, as a part of the deadline: the rest is for the
/// queue and for a repetition.
pub(super) const TARGET: f64 = 0.4;

/// The target is at least this many times what answers take in health: calls that differ are not slow.
pub(super) const TARGET_OF_HEALTHY: f64 = 3.0;

/// The target is at most this part of the deadline.
pub(super) const LARGEST_TARGET: f64 = 0.5;

/// Except that health is never too slow, where deadlines are that short.
pub(super) const LEAST_TARGET_OF_HEALTHY: f64 = 1.5;

/// Below half of the target, or this many times what answers take in health, the limit grows by one
/// for each success, else by one for each success of the whole limit.
pub(super) const QUICK_OF_HEALTHY: f64 = 1.25;

/// The limit is at least this many times what is usually in flight. The healthy dependency carries that,
/// and so a reaction to errors does no harm.
pub(super) const FLOOR: f64 = 2.5;

/// Neither errors nor a lull take the limit below this.
pub(super) const LEAST_LIMIT: f64 = 4.0;

/// The part of the limit that an error leaves.
pub(super) const AFTER_ERROR: f64 = 0.98;

/// The seconds after an error in which the limit grows slowly.
pub(super) const ERROR_MEMORY: f64 = 1.0;

/// The weight of one answer in the mean of times, at least: sixteen answers are remembered.
pub(super) const LEAST_WEIGHT: f64 = 1.0 / 16.0;

/// The seconds after which the mean of times forgets, where answers are rare.
pub(super) const TIMES_MEMORY: f64 = 1.0;

/// The seconds in which the time of health rises towards the mean: longer than most outages.
pub(super) const HEALTHY_RISE: f64 = 60.0;

/// The seconds in which it falls: longer than the noise of sixteen answers.
pub(super) const HEALTHY_FALL: f64 = 3.0;

/// The seconds over which rates of answers are measured.
pub(super) const RATE_MEMORY: f64 = 1.0;

/// The seconds over which the rate of calls is measured.
pub(super) const CALLS_MEMORY: f64 = 5.0;

/// The seconds over which the usual number in flight is measured.
pub(super) const USUAL_MEMORY: f64 = 5.0;

/// The first calls have an equal part in the usual number in flight.
pub(super) const USUAL_FIRST: u32 = 20;

/// What is in flight is usual while answers take at most this many times as long as in health.
pub(super) const USUAL_OF_HEALTHY: f64 = 2.0;

/// The seconds in which a limit that is not used falls.
pub(super) const LULL_MEMORY: f64 = 1.0;

/// The pause before a repetition, as a part of the deadline, before jitter.
pub(super) const PAUSE: f64 = 0.05;

/// The pause before the last repetition, as a part of the time that is left, where nothing was
/// answered well since the call came: between the first and the sum of both.
pub(super) const LAST_PAUSE: [f64; 2] = [0.4, 0.4];

/// A request is overtaken by one that was sent this many means and mean deviations of times later.
pub(super) const OVERTAKEN: [f64; 2] = [2.0, 6.0];

/// A request that is alone is given up for lost after this part of the deadline.
pub(super) const LONE: f64 = 0.4;

/// A silence lasts for at least this many seconds,
pub(super) const SILENCE: f64 = 0.1;

/// this many means of times,
pub(super) const SILENCE_MEANS: f64 = 4.0;

/// and the time in which this many answers come.
pub(super) const SILENCE_ANSWERS: f64 = 10.0;

/// Into a silence goes a probe as often as this part of the deadline,
pub(super) const PROBE: f64 = 0.25;

/// or after this many seconds,
pub(super) const LONGEST_PROBE: f64 = 0.25;

/// but for a third of the calls at most: a hundred clients that call rarely would else send all that
/// they ever send.
pub(super) const PROBE_CALLS: f64 = 3.0;

/// And at the latest after this many deadlines.
pub(super) const PROBE_DEADLINES: f64 = 4.0;

/// This number of answers has to be learned before another silence counts as a standstill: where each
/// answer follows a silence the dependency is slow.
pub(super) const LEARNED: u32 = 16;

/// Left to a request are the mean of times and this many mean deviations, as TCP waits for an answer
/// before it sends again (Jacobson: "Congestion avoidance and control", 1988). Under more load than can
/// be served, all that are sent have just as much time left as that: with one deviation a fifth of them
/// is answered too late, and the work is lost.
pub(super) const NEEDED_DEVIATIONS: f64 = 4.0;

/// But no more than this part of the deadline is left: otherwise none could start and show that it is
/// faster again.
pub(super) const LARGEST_NEED: f64 = 0.6;

/// The answers after which those that no lock was taken for are learned.
pub(super) const BATCH: u64 = 64;

/// The nanoseconds after which they are learned at the latest.
pub(super) const BATCH_TIME: u64 = 10_000_000;

use proptest::prelude::*;

use super::super::defaults::FAILURES_CERTAIN;
use super::*;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
const DEADLINE: u64 = SECOND;

fn machine() -> Machine {
    Machine::new(WhileDown::Wait)
}

/// Sends a request at `now`, which has to be possible at once.
fn send(machine: &mut Machine, now: u64) -> Sent {
    assert_eq!(machine.arrive(now, now + DEADLINE), Answer::Starts, "at {now}");
    Sent { at: now, due: now + DEADLINE, counts: true }
}

/// A machine that has seen one call after the other, each answered after 10 ms.
fn warm() -> (Machine, u64) {
    let mut machine = machine();
    let mut now = 0;
    for _ in 0..200 {
        let sent = send(&mut machine, now);
        now += 10 * MS;
        machine.answered(now, sent, true);
    }
    (machine, now)
}

fn settled(machine: &mut Machine, now: u64) -> Vec<Settled> {
    std::iter::from_fn(|| machine.settle(now)).collect()
}

#[test]
fn what_is_above_the_limit_waits_and_starts_with_the_answers() {
    let mut machine = machine();
    let sent: Vec<_> = (0..20).map(|_| send(&mut machine, 0)).collect();
    let Answer::Waits(key) = machine.arrive(0, DEADLINE) else { panic!("no room is left") };
    assert_eq!((machine.waiting(), machine.settle(0)), (1, None));
    machine.answered(10 * MS, sent[0], true);
    assert_eq!(settled(&mut machine, 10 * MS), [Settled { key, verdict: Ok(()) }]);
    assert_eq!((machine.waiting(), machine.in_flight()), (0, 20));
}

#[test]
fn the_nearest_deadline_that_can_be_met_starts_first() {
    let (mut machine, now) = warm();
    while machine.arrive(now, now + DEADLINE) == Answer::Starts {}
    let hopeless = machine.arrive(now, now + 5 * MS);
    assert!(matches!(hopeless, Answer::Refused(Refusal::TooLate { .. })), "{hopeless:?}");
    let Answer::Waits(soon) = machine.arrive(now, now + 100 * MS) else { panic!("it waits") };
    let sent = Sent { at: now, due: now + DEADLINE, counts: true };
    machine.answered(now + 10 * MS, sent, true);
    assert_eq!(settled(&mut machine, now + 10 * MS)[0], Settled { key: soon, verdict: Ok(()) });
}

#[test]
fn a_waiter_is_refused_once_it_can_no_longer_be_answered() {
    let (mut machine, now) = warm();
    while machine.arrive(now, now + DEADLINE) == Answer::Starts {}
    let late = now + DEADLINE - 9 * MS;
    let settled = settled(&mut machine, late);
    let [Settled { verdict: Err(Refusal::NoRoom { in_flight, waiting, .. }), .. }] = settled[..]
    else {
        panic!("{settled:?}")
    };
    assert!(f64::from(in_flight) + 1.0 > machine.limit() && waiting == 1);
    assert_eq!(machine.waiting(), 0);
}

#[test]
fn failures_that_come_at_once_are_an_outage_before_a_silence_shows_it() {
    let (mut machine, mut now) = warm();
    for failures in 0..FAILURES_CERTAIN {
        assert!(!machine.is_down(), "after {failures} failures");
        let sent = send(&mut machine, now);
        machine.answered(now, sent, false);
        now += MS;
    }
    assert!(machine.is_down());
}

#[test]
fn answers_that_take_too_long_bring_the_limit_to_what_is_answered_in_the_target_time() {
    let (mut machine, mut now) = warm();
    machine.usual = Usual::default();
    for _ in 0..10 {
        let sent = Sent { at: now, due: now + DEADLINE, counts: true };
        machine.in_flight += 1;
        now += 700 * MS;
        machine.answered(now, sent, true);
    }
    assert!(machine.mean() > machine.target());
    let by_law = machine.successes.at(now) * machine.target();
    assert!((machine.limit() - by_law).abs() < 0.5, "{} and {by_law}", machine.limit());
    assert!(machine.limit() < 1.0, "a pace");
}

#[test]
fn errors_leave_what_is_usual() {
    let (mut machine, now) = warm();
    machine.usual.in_flight = 40.0;
    machine.limit = 200.0;
    for _ in 0..1_000 {
        let sent = Sent { at: now, due: now + DEADLINE, counts: true };
        machine.in_flight += 1;
        machine.answered(now, sent, false);
    }
    assert!((machine.limit() - 100.0).abs() < 1e-6, "{}", machine.limit());
}

/// `count` failures, one after the other.
fn fail(machine: &mut Machine, now: &mut u64, count: u32) {
    for _ in 0..count {
        let sent = Sent { at: *now, due: *now + DEADLINE, counts: true };
        machine.in_flight += 1;
        *now += 10 * MS;
        machine.answered(*now, sent, false);
    }
}

#[test]
fn twenty_failures_and_silence_are_an_outage_that_a_success_ends() {
    let (mut machine, mut now) = warm();
    fail(&mut machine, &mut now, 19);
    assert!(!machine.is_down());
    fail(&mut machine, &mut now, 1);
    assert!(machine.is_down());
    let Answer::Waits(first) = machine.arrive(now, now + DEADLINE) else { panic!("it waits") };
    let Answer::Waits(last) = machine.arrive(now + 1, now + 1 + DEADLINE) else {
        panic!("it waits")
    };
    assert_eq!(machine.settle(now + 1), None);
    // The one that has the most time left probes.
    let (clock, at) = machine.next_look(now + 1).unwrap();
    assert_eq!((clock, machine.settle(at)), (first, Some(Settled { key: last, verdict: Ok(()) })));
    let probe = Sent { at, due: at + DEADLINE, counts: true };
    machine.answered(at + 10 * MS, probe, true);
    assert!(!machine.is_down());
    assert_eq!(machine.settle(at + 10 * MS), Some(Settled { key: first, verdict: Ok(()) }));
}

#[test]
fn failures_that_began_before_the_first_are_one() {
    let (mut machine, now) = warm();
    for _ in 0..100 {
        let sent = Sent { at: now, due: now + DEADLINE, counts: true };
        machine.in_flight += 1;
        machine.answered(now + SECOND, sent, false);
    }
    assert_eq!((machine.failures(), machine.is_down()), (1, false));
}

#[test]
fn while_it_is_down_calls_are_refused_where_that_is_said() {
    let (mut machine, mut now) = warm();
    machine.while_down = WhileDown::Refuse;
    fail(&mut machine, &mut now, 20);
    let down_since = now;
    // It may be over before a call is due.
    let Answer::Waits(first) = machine.arrive(now, now + DEADLINE) else { panic!("it waits") };
    assert_eq!(machine.settle(now), None);
    let long = now - 190 * MS + DEADLINE;
    machine.last_probe = long;
    assert_eq!(machine.next_look(long - MS), Some((first, long)), "it looks then");
    assert_eq!(machine.settle(long - MS), None);
    let Some(Settled { key, verdict: Err(Refusal::Down(_)) }) = machine.settle(long) else {
        panic!("it is not refused")
    };
    assert_eq!((key, machine.waiting()), (first, 0));
    let refused = machine.arrive(long, long + DEADLINE);
    let Answer::Refused(Refusal::Down(Outage { failures: 20, limit: 20, since, retry_at })) =
        refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!((since, retry_at > long), (down_since, true));
    assert_eq!(machine.arrive(retry_at, retry_at + DEADLINE), Answer::Starts, "it probes");
}

#[test]
fn six_that_are_never_answered_are_an_outage() {
    let (mut machine, mut now) = warm();
    for cut in 1..=6 {
        assert!(!machine.is_down(), "before {cut}");
        let sent = Sent { at: now, due: now + DEADLINE, counts: true };
        machine.in_flight += 1;
        now += DEADLINE;
        machine.cut(now, sent);
    }
    assert!(machine.is_down());
}

#[test]
fn a_caller_with_too_little_time_proves_nothing() {
    let (mut machine, mut now) = warm();
    for _ in 0..100 {
        let sent = Sent { at: now, due: now + 5 * MS, counts: true };
        machine.in_flight += 1;
        now += 5 * MS;
        machine.cut(now, sent);
    }
    assert_eq!((machine.failures(), machine.is_down()), (0, false));
}

#[test]
fn a_request_is_lost_once_one_that_was_sent_much_later_is_answered() {
    let (mut machine, now) = warm();
    let mut lost = send(&mut machine, now);
    let later = machine.overtaken_by(now) + MS;
    let other = send(&mut machine, later);
    assert!(!machine.is_lost(later, &mut lost));
    machine.answered(later + 10 * MS, other, true);
    assert_eq!(machine.in_flight(), 1);
    assert!(machine.is_lost(later + 10 * MS, &mut lost));
    assert_eq!(machine.in_flight(), 0, "it counts no more");
    machine.answered(later + 20 * MS, lost, true);
    assert_eq!(machine.in_flight(), 0, "and not twice");
}

#[test]
fn a_repetition_waits_for_a_token_that_a_success_pays() {
    let (mut machine, now) = warm();
    let sent = send(&mut machine, now);
    machine.tokens = 0;
    let Answer::Waits(key) = machine.want(now, now + DEADLINE, true) else { panic!("unpaid") };
    assert_eq!(machine.settle(now), None);
    machine.answered(now + MS, sent, true);
    assert_eq!(machine.settle(now + MS), Some(Settled { key, verdict: Ok(()) }));
    assert_eq!(machine.tokens(), 0);
}

#[test]
fn after_two_failures_a_repetition_waits_for_a_success_or_its_last_chance() {
    let (mut machine, mut now) = warm();
    fail(&mut machine, &mut now, 1);
    assert_eq!(machine.want(now, now + DEADLINE, true), Answer::Starts, "one proves nothing");
    machine.unsent();
    fail(&mut machine, &mut now, 1);
    let repeats = |machine: &mut Machine, now: u64| match machine.want(now, now + DEADLINE, true) {
        Answer::Waits(key) => key,
        other => panic!("{other:?}"),
    };
    let key = repeats(&mut machine, now);
    // A call that has sent nothing shows whether it still fails.
    let fresh = send(&mut machine, now);
    assert_eq!(machine.settle(now + MS), None);
    machine.answered(now + 10 * MS, fresh, true);
    assert_eq!(machine.settle(now + 10 * MS), Some(Settled { key, verdict: Ok(()) }));

    fail(&mut machine, &mut now, 2);
    // Nothing probes.
    machine.last_probe = now + DEADLINE;
    let key = repeats(&mut machine, now);
    let chance = now + 700 * MS;
    assert_eq!(machine.next_look(now + MS), Some((key, chance)));
    assert_eq!(machine.settle(chance - MS), None);
    assert_eq!(machine.settle(chance), Some(Settled { key, verdict: Ok(()) }));
}

#[test]
fn a_request_that_was_given_up_lingers_for_as_long_again() {
    let (mut machine, now) = warm();
    let sent = send(&mut machine, now);
    machine.cut(now + 30 * MS, sent);
    assert_eq!((machine.in_flight(), machine.lingering()), (1, 1));
    machine.tidy(now + 59 * MS);
    assert_eq!(machine.in_flight(), 1);
    machine.tidy(now + 60 * MS);
    assert_eq!((machine.in_flight(), machine.lingering()), (0, 0));
}

/// What may happen, with a number that chooses among the requests in flight, or a deadline.
#[derive(Clone, Copy, Debug)]
enum Step {
    Arrive(u64),
    Repeat(u64),
    End(Sort, usize),
    Leave(usize),
}

#[derive(Clone, Copy, Debug)]
enum Sort {
    Good,
    Bad,
    Cut,
    Neither,
    LooksLost,
}

fn step() -> impl Strategy<Value = Step> {
    let sort = prop_oneof![
        4 => Just(Sort::Good),
        2 => Just(Sort::Bad),
        1 => Just(Sort::Cut),
        1 => Just(Sort::Neither),
        1 => Just(Sort::LooksLost)
    ];
    prop_oneof![
        4 => (1..2_000_u64).prop_map(Step::Arrive),
        1 => (1..2_000_u64).prop_map(Step::Repeat),
        5 => (sort, any::<usize>()).prop_map(|(sort, index)| Step::End(sort, index)),
        1 => any::<usize>().prop_map(Step::Leave),
    ]
}

/// What waits and what is in flight, kept as plain lists.
#[derive(Default)]
struct Model {
    waiting: Vec<Key>,
    in_flight: Vec<Sent>,
}

impl Model {
    fn settle(&mut self, machine: &mut Machine, now: u64) {
        for Settled { key, verdict } in settled(machine, now) {
            let place = self.waiting.iter().position(|it| *it == key);
            self.waiting.remove(place.expect("only waiters are settled, and once"));
            if verdict.is_ok() {
                self.in_flight.push(Sent { at: now, due: key.due, counts: true });
            }
        }
    }

    /// Those in flight that count.
    fn counts(&self) -> usize {
        self.in_flight.iter().filter(|sent| sent.counts).count()
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_whatever_happens(
        refuses in any::<bool>(),
        steps in prop::collection::vec((step(), 0..400_u64), 1..500),
    ) {
        let mut machine = machine();
        if refuses {
            machine.while_down = WhileDown::Refuse;
        }
        let (mut model, mut now) = (Model::default(), 0);
        for (step, passed) in steps {
            now += passed * MS / 10;
            match step {
                Step::Arrive(time) | Step::Repeat(time) => {
                    let due = now + time * MS;
                    let answer = match step {
                        Step::Repeat(_) => machine.want(now, due, true),
                        _ => machine.arrive(now, due),
                    };
                    match answer {
                        Answer::Starts => model.in_flight.push(Sent { at: now, due, counts: true }),
                        Answer::Waits(key) => model.waiting.push(key),
                        Answer::Refused(_) => {}
                    }
                }
                Step::End(sort, index) if !model.in_flight.is_empty() => {
                    let index = index % model.in_flight.len();
                    if let Sort::LooksLost = sort {
                        machine.is_lost(now, &mut model.in_flight[index]);
                    } else {
                        let sent = model.in_flight.swap_remove(index);
                        match sort {
                            Sort::Good => machine.answered(now, sent, true),
                            Sort::Bad => machine.answered(now, sent, false),
                            Sort::Neither => machine.ended(sent),
                            Sort::Cut | Sort::LooksLost => machine.cut(now, sent),
                        }
                    }
                }
                Step::Leave(index) if !model.waiting.is_empty() => {
                    let index = index % model.waiting.len();
                    machine.leave(model.waiting.swap_remove(index));
                }
                Step::End(..) | Step::Leave(_) => {}
            }
            model.settle(&mut machine, now);
            prop_assert_eq!(machine.waiting(), model.waiting.len());
            let counted = machine.in_flight() as usize - machine.lingering();
            prop_assert_eq!(counted, model.counts());
            prop_assert!(machine.limit().is_finite() && machine.limit() > 0.0);
            prop_assert!(machine.tokens() <= MAX_TOKENS);
            // No call waits that can't be answered any more, and one looks before.
            for key in &model.waiting {
                prop_assert!(now < machine.latest_start(key.due));
            }
            let look = machine.next_look(now);
            prop_assert_eq!(look.is_some(), !model.waiting.is_empty());
        }
        // In the end nothing is left.
        for sent in model.in_flight.drain(..) {
            machine.cut(now, sent);
        }
        let end = now + 100 * SECOND;
        machine.tidy(end);
        while machine.settle(end).is_some() {}
        prop_assert_eq!((machine.waiting(), machine.in_flight(), machine.lingering()), (0, 0, 0));
    }
}

#[test]
fn streams_are_limited_only_while_they_keep_their_readers_waiting() {
    let (mut machine, mut now) = warm();
    // Ten thousand are open for hours, and calls start all the same.
    for _ in 0..10_000 {
        machine.stream_begins(now);
    }
    let sent = send(&mut machine, now);
    machine.answered(now + 10 * MS, sent, true);
    assert_eq!(machine.streams(), 10_000);
    assert!(machine.free_limit() > 0);
    for _ in 0..9_990 {
        machine.stream_ended();
    }
    // Usually they keep their readers waiting for 10 ms, then for 3 s.
    let (mut low, mut slow) = (None, warm().0);
    for (waited, count) in [(10 * MS, 200), (3 * SECOND, 100)] {
        for _ in 0..count {
            now += 10 * MS;
            slow.stream_begins(now);
            slow.stream_completed(now, waited);
        }
        if slow.free_limit() == 0 {
            low = Some(waited);
        }
    }
    assert_eq!(low, Some(3 * SECOND));
    let mut open = 0;
    while slow.streams() < 1_000 && slow.has_room(now) {
        slow.stream_begins(now);
        open += 1;
    }
    assert!((4..=50).contains(&open), "{open}");
    // Each that ends makes room for a call, and quick ones take the limit away.
    slow.stream_ended();
    assert!(slow.has_room(now));
    for _ in 0..open - 1 {
        slow.stream_ended();
    }
    for _ in 0..200 {
        now += 10 * MS;
        slow.stream_begins(now);
        slow.stream_completed(now, 10 * MS);
    }
    assert!(slow.free_limit() > 0);
}

#[test]
fn a_stream_that_breaks_is_one_failure_more() {
    let (mut machine, now) = warm();
    machine.stream_begins(now);
    assert_eq!(machine.failures(), 0);
    machine.stream_failed(now + MS, now);
    assert_eq!((machine.failures(), machine.streams()), (1, 0));
}

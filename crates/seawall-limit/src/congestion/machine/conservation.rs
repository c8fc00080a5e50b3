//! Places, tokens and waiters are conserved, whatever happens.

use std::collections::HashMap;

use seawall_core::Random;

use super::super::defaults::MAX_TOKENS;
use super::*;

const MS: u64 = 1_000_000;

struct Laws {
    chance: Random,
    machine: Machine,
    now: u64,
    /// Whether a waiter repeats.
    waiting: HashMap<Key, bool>,
    keys: Vec<Key>,
    in_flight: Vec<Sent>,
    started: u64,
    refused: u64,
    spent: u64,
}

impl Laws {
    fn new(seed: u64) -> Self {
        let refuses = seed.is_multiple_of(2);
        let while_down = if refuses { WhileDown::Refuse } else { WhileDown::Wait };
        Self {
            chance: Random::seeded(seed),
            machine: Machine::new(while_down),
            now: 0,
            waiting: HashMap::new(),
            keys: Vec::new(),
            in_flight: Vec::new(),
            started: 0,
            refused: 0,
            spent: 0,
        }
    }

    fn index(&self, length: usize) -> usize {
        usize::try_from(self.chance.below(length as u64)).expect("below a length")
    }

    /// A token is spent where a repetition starts with room and there is one, and nowhere else.
    fn starts(&mut self, due: u64, repeats: bool, tokens: u32) {
        let probe = self.machine.last_probe == self.now && tokens == self.machine.tokens();
        let pays = repeats && tokens > 0 && !probe;
        assert_eq!(self.machine.tokens(), tokens - u32::from(pays));
        self.spent += u64::from(pays);
        self.started += 1;
        self.in_flight.push(Sent { at: self.now, due, counts: true });
    }

    fn comes(&mut self, repeats: bool) {
        let due = self.now + (1 + self.chance.below(1_000)) * MS;
        let tokens = self.machine.tokens();
        let answer = if repeats {
            self.machine.want(self.now, due, true)
        } else {
            self.machine.arrive(self.now, due)
        };
        match answer {
            Answer::Starts => self.starts(due, repeats, tokens),
            Answer::Refused(_) => self.refused += 1,
            Answer::Waits(key) => {
                assert!(self.waiting.insert(key, repeats).is_none(), "no key twice");
                self.keys.push(key);
            }
        }
    }

    fn ends(&mut self) {
        if self.in_flight.is_empty() {
            return;
        }
        let index = self.index(self.in_flight.len());
        let tokens = self.machine.tokens();
        let sort = self.chance.below(12);
        if sort == 0 {
            self.machine.is_lost(self.now, &mut self.in_flight[index]);
            return;
        }
        let sent = self.in_flight.swap_remove(index);
        match sort {
            1..7 => self.machine.answered(self.now, sent, true),
            7..10 => self.machine.answered(self.now, sent, false),
            10 => self.machine.ended(sent),
            _ => self.machine.cut(self.now, sent),
        }
        let earned = u32::from((1..7).contains(&sort));
        assert_eq!(self.machine.tokens(), (tokens + earned).min(MAX_TOKENS));
    }

    fn settles(&mut self) {
        loop {
            let tokens = self.machine.tokens();
            let Some(Settled { key, verdict }) = self.machine.settle(self.now) else { break };
            let repeats = self.waiting.remove(&key).expect("only waiters are settled, and once");
            if verdict.is_ok() {
                self.starts(key.due, repeats, tokens);
            } else {
                self.refused += 1;
                assert_eq!(self.machine.tokens(), tokens);
            }
        }
    }

    fn leaves(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let key = self.keys.swap_remove(self.index(self.keys.len()));
        // Most keys are of waiters that were settled.
        if self.waiting.remove(&key).is_some() {
            self.machine.leave(key);
        }
    }

    fn step(&mut self) {
        self.now += self.chance.below(20 * MS);
        match self.chance.below(16) {
            0..6 => self.comes(false),
            6..8 => self.comes(true),
            8..15 => self.ends(),
            _ => self.leaves(),
        }
        self.settles();
        if self.keys.len() > 10_000 {
            self.keys.retain(|key| self.waiting.contains_key(key));
        }
        let counted = self.in_flight.iter().filter(|sent| sent.counts).count();
        let machine = &self.machine;
        assert_eq!(machine.in_flight() as usize, counted + machine.lingering());
        assert_eq!((machine.waiting(), machine.refused()), (self.waiting.len(), self.refused));
    }

    fn play(mut self, steps: u32) {
        for _ in 0..steps {
            self.step();
        }
        assert!(self.started > u64::from(steps / 10) && self.spent > u64::from(steps / 1_000));
        assert!(self.refused > u64::from(steps / 1_000));
        for sent in std::mem::take(&mut self.in_flight) {
            self.machine.ended(sent);
        }
        self.now += 1_000_000 * MS;
        self.machine.tidy(self.now);
        while self.machine.settle(self.now).is_some() {}
        let machine = &self.machine;
        assert_eq!((machine.waiting(), machine.in_flight(), machine.lingering()), (0, 0, 0));
    }
}

#[test]
fn everything_is_conserved_in_a_million_operations() {
    for seed in 1..=10 {
        Laws::new(seed).play(100_000);
    }
}

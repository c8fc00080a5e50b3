//! Every interleaving of two threads that credit the same span of time.

use loom::sync::Arc;
use loom::thread;

use super::tokens::{TokenPlan, Tokens};

/// Billionths per token.
const TOKEN: u64 = 1_000_000_000;
const SECOND: u64 = 1_000_000_000;

#[test]
fn two_threads_credit_a_span_of_time_once() {
    loom::model(|| {
        let plan = TokenPlan {
            deposit: 0,
            cost: TOKEN,
            reserve: 0,
            capacity: 9 * TOKEN,
            per_second: TOKEN,
        };
        let tokens = Arc::new(Tokens::new(plan));
        let other = Arc::clone(&tokens);
        let thread = thread::spawn(move || {
            other.refill(2 * SECOND);
            u64::from(other.try_take())
        });
        tokens.refill(3 * SECOND);
        let taken = u64::from(tokens.try_take()) + thread.join().unwrap();
        tokens.refill(3 * SECOND);
        assert_eq!(taken * TOKEN + tokens.left(), 3 * TOKEN);
    });
}

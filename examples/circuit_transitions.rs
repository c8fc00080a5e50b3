//! Drives a circuit breaker through all of its states, and prints each transition with its reason.
//!
//! ```text
//! cargo run --example circuit_transitions
//! ```
//!
//! No server, no runtime: the calls are made up, and permits are acquired by hand, as
//! blocking code would do it. Only the waits of the open circuit are real; all of it takes about a
//! second.

use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};

use seawall::breaker::Ramp;
use seawall::{Breaker, CircuitState, Class, Event, EventKind};

fn main() -> Result<(), Box<dyn Error>> {
    let breaker = Breaker::builder()
        .name("inventory")
        // Not a default. It is here because it is a state, too.
        .ramp(Ramp::new([0.5, 1.0], Duration::from_millis(100)))
        .build()?;
    let began = Instant::now();
    breaker.listeners().add(move |event: &Event| {
        // A listener runs outside the breaker's lock: it may print, or call the breaker.
        if let EventKind::Transition(_) | EventKind::Shadowed(_) = &event.kind {
            println!("{:6.3} s   {}", began.elapsed().as_secs_f64(), event.kind);
        }
    });

    scene("The dependency dies: failures in a row open the circuit.");
    while breaker.state() == CircuitState::Closed {
        call(&breaker, Err("connection reset"));
    }
    refused(&breaker);

    scene("Its wait is over, a probe goes through and fails: open again, for longer.");
    wait_until_probed(&breaker, Err("connection reset"));

    scene(
        "The dependency is back: the probes succeed, calls come back in stages, the circuit closes.",
    );
    while breaker.state() != CircuitState::Closed {
        wait_until_probed(&breaker, Ok("in stock"));
        sleep(Duration::from_millis(1));
    }

    scene("Half of the calls fail: nothing in a row, but the share opens it.");
    for number in 0.. {
        call(&breaker, if number % 2 == 0 { Err("500") } else { Ok("in stock") });
        if breaker.state() == CircuitState::Open {
            break;
        }
    }

    scene("An operator closes it by force, whatever the outcomes of calls ...");
    breaker.force_closed();
    (0..100).for_each(|_| call(&breaker, Err("500")));

    scene("... opens it by force, whatever the outcomes of calls ...");
    breaker.force_open();
    refused(&breaker);

    scene("... or has it decide and refuse nothing, to see what it would have done.");
    breaker.shadow();
    (0..100).for_each(|_| call(&breaker, Err("500")));

    scene("Released, it starts again.");
    breaker.release();
    call(&breaker, Ok("in stock"));
    Ok(())
}

fn scene(text: &str) {
    println!("\n{text}");
}

/// One call, if the breaker lets it through.
fn call(breaker: &Breaker, outcome: Result<&str, &str>) {
    let Ok(permit) = breaker.try_acquire() else { return };
    match outcome {
        Ok(_) => permit.success(),
        Err(_) => permit.failure(Class::Transient),
    };
}

/// A call that is refused, and the error that the caller gets.
fn refused(breaker: &Breaker) {
    if let Err(rejection) = breaker.try_acquire() {
        println!("           a caller gets: {rejection}");
    }
}

/// Waits as long as the refusal says, then calls.
fn wait_until_probed(breaker: &Breaker, outcome: Result<&str, &str>) {
    if let Some(wait) = breaker.snapshot().retry_after {
        sleep(wait + Duration::from_millis(1));
    }
    call(breaker, outcome);
}

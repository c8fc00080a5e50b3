//! A listener held up the driver between the beginning of a step and its body, and the end was forced in that time: the report
//! said that the step was aborted, and then its body ran.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use seawall_core::{Event, EventKind, Listeners};
use seawall_shutdown::{Outcome, Phase, Shutdown, Step};

#[test]
fn the_body_of_a_step_that_is_over_is_dropped() {
    let listeners = Listeners::default();
    let held_up = Arc::new(Mutex::new(None::<Shutdown>));
    let holding = Arc::clone(&held_up);
    listeners.add(move |event: &Event| {
        match &event.kind {
            EventKind::StepStarted { step, .. } if step.as_str() == "flush" => {}
            _ => return,
        }
        if let Some(shutdown) = holding.lock().unwrap().take() {
            shutdown.force("again");
            while shutdown.report().is_none() {
                std::thread::yield_now();
            }
        }
    });
    let (sender, receiver) = mpsc::channel();
    let flush = Step::blocking("flush", move || sender.send(()).unwrap());
    let shutdown = Shutdown::builder()
        .listeners(&listeners)
        .grace_period(Duration::from_secs(20))
        .step(Phase::FLUSH, flush)
        .build()
        .unwrap();
    *held_up.lock().unwrap() = Some(shutdown.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = shutdown.supervise(runtime, async {}).unwrap();
    assert_eq!(report.step("flush").unwrap().outcome, Outcome::Aborted);
    // The step goes with the last handle, unless it was run.
    drop(shutdown);
    assert!(receiver.recv().is_err(), "it ran after the report");
}

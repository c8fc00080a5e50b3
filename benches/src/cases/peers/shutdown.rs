//! Graceful shutdown.

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};

use crate::cases::shutdown::{END, LIFE, MANY};
use crate::operation::{Failure, ready, runs};
use crate::{Case, Work, in_runtime, in_runtime_with};

/// The peers' shutdowns.
pub fn cases() -> Vec<Case> {
    [life(), end()].concat()
}

fn life() -> Vec<Case> {
    vec![
        Case::peer(LIFE, "tokio-graceful", || {
            in_runtime_with(
                || {
                    let shutdown = tokio_graceful::Shutdown::new(std::future::pending::<()>());
                    async move || {
                        let task = shutdown.spawn_task_fn(async |guard| {
                            tokio::select! {
                                biased;
                                () = guard.cancelled() => Err(Failure(4)),
                                outcome = ready() => outcome,
                            }
                        });
                        task.await
                    }
                },
                1,
                |answer| matches!(answer, Ok(Ok(_))),
            )
        }),
        Case::peer(LIFE, "drain", || {
            let (signal, watch) = drain::channel();
            in_runtime(
                async move || {
                    // Kept, or every task would be stopped.
                    let _ = &signal;
                    let watch = watch.clone();
                    let task = async move {
                        tokio::select! {
                            biased;
                            _ = watch.signaled() => Err(Failure(4)),
                            outcome = ready() => outcome,
                        }
                    };
                    tokio::spawn(task).await
                },
                1,
                |answer| matches!(answer, Ok(Ok(_))),
            )
        }),
        Case::peer(LIFE, "JoinSet + watch", || {
            let (sender, receiver) = watch::channel(false);
            let mut tasks = JoinSet::new();
            in_runtime(
                async move || {
                    let _ = &sender;
                    let mut receiver = receiver.clone();
                    tasks.spawn(async move {
                        tokio::select! {
                            biased;
                            _ = receiver.changed() => Err(Failure(4)),
                            outcome = ready() => outcome,
                        }
                    });
                    tasks.join_next().await
                },
                1,
                |answer| matches!(answer, Some(Ok(Ok(_)))),
            )
        }),
        Case::peer(LIFE, "tokio-graceful-shutdown (subsystem per task)", || {
            Box::new(Subsystems { life: true })
        }),
    ]
}

fn end() -> Vec<Case> {
    vec![
        Case::peer(END, "tokio-graceful", || {
            in_runtime(
                async || {
                    let (stop, stopped) = oneshot::channel::<()>();
                    let shutdown = tokio_graceful::Shutdown::new(stopped);
                    for _ in 0..MANY {
                        shutdown.spawn_task_fn(async |guard| {
                            guard.cancelled().await;
                            ready().await
                        });
                    }
                    tokio::task::yield_now().await;
                    drop(stop);
                    shutdown.shutdown().await
                },
                MANY,
                |_| true,
            )
        })
        .calls(1)
        .units(MANY),
        Case::peer(END, "drain", || {
            in_runtime(
                async || {
                    let (signal, watch) = drain::channel();
                    for _ in 0..MANY {
                        let watch = watch.clone();
                        tokio::spawn(async move {
                            let release = watch.signaled().await;
                            release.release_after(ready()).await
                        });
                    }
                    drop(watch);
                    tokio::task::yield_now().await;
                    signal.drain().await;
                },
                MANY,
                |()| true,
            )
        })
        .calls(1)
        .units(MANY),
        Case::peer(END, "JoinSet + watch", || {
            in_runtime(
                async || {
                    let (sender, receiver) = watch::channel(false);
                    let mut tasks = JoinSet::new();
                    for _ in 0..MANY {
                        let mut receiver = receiver.clone();
                        tasks.spawn(async move {
                            if receiver.changed().await.is_err() {
                                return Err(Failure(4));
                            }
                            ready().await
                        });
                    }
                    tokio::task::yield_now().await;
                    let _ = sender.send(true);
                    while tasks.join_next().await.is_some() {}
                },
                MANY,
                |()| true,
            )
        })
        .calls(1)
        .units(MANY),
        Case::peer(END, "tokio-graceful-shutdown (subsystem per task)", || {
            Box::new(Subsystems { life: false })
        })
        .calls(1)
        .units(MANY),
    ]
}

/// tokio-graceful-shutdown passes its handle to a subsystem only, so the loop has to run in one.
struct Subsystems {
    life: bool,
}

impl Work for Subsystems {
    fn check(&mut self, times: u64) -> Result<(), String> {
        let before = runs();
        self.run(times);
        let (ran, each) = (runs() - before, if self.life { 1 } else { MANY });
        if ran == times * each {
            return Ok(());
        }
        Err(format!("the operation ran {ran} times in {times} calls"))
    }

    fn run(&mut self, calls: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a current-thread runtime");
        if self.life {
            runtime.block_on(lives(calls));
        } else {
            for _ in 0..calls {
                runtime.block_on(ends());
            }
        }
    }
}

type Boxed = Box<dyn std::error::Error + Send + Sync>;

async fn lives(calls: u64) {
    let all = Toplevel::<Boxed>::new(async move |subsystem: &mut SubsystemHandle<Boxed>| {
        for _ in 0..calls {
            let nested = subsystem.start(SubsystemBuilder::new("benches", one_life));
            nested.join().await.expect("no subsystem fails");
        }
        subsystem.request_shutdown();
    });
    all.handle_shutdown_requests(Duration::from_mins(1)).await.expect("a clean shutdown");
}

async fn one_life(subsystem: &mut SubsystemHandle<Boxed>) -> Result<(), Boxed> {
    tokio::select! {
        biased;
        () = subsystem.on_shutdown_requested() => Ok(()),
        outcome = ready() => outcome.map(drop).map_err(Boxed::from),
    }
}

async fn ends() {
    let all = Toplevel::<Boxed>::new(async move |subsystem: &mut SubsystemHandle<Boxed>| {
        for _ in 0..MANY {
            subsystem.start(SubsystemBuilder::new("benches", one_end));
        }
        tokio::task::yield_now().await;
        subsystem.request_shutdown();
    });
    all.handle_shutdown_requests(Duration::from_mins(1)).await.expect("a clean shutdown");
}

async fn one_end(subsystem: &mut SubsystemHandle<Boxed>) -> Result<(), Boxed> {
    subsystem.on_shutdown_requested().await;
    ready().await.map(drop).map_err(Boxed::from)
}

//! Signals, and the thread that listens for them.
//!
//! The thread also wakes the driver on time. It is not one of the runtime's, so both work while
//! every worker thread is busy.

use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::Signal;
use crate::shutdown::Shared;

/// Ends its thread when it is dropped.
#[derive(Debug)]
pub(crate) struct SignalThread {
    wake_at: watch::Sender<Option<Instant>>,
}

/// Signal handlers that are installed, on a runtime that no thread drives yet.
pub(crate) struct Handlers {
    runtime: Runtime,
    streams: Vec<(Signal, Stream)>,
}

impl Handlers {
    /// Installs the handlers, now.
    pub(crate) fn install(signals: &[Signal]) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let streams = {
            let _inside = runtime.enter();
            signals
                .iter()
                .filter_map(|&signal| Some(stream(signal)?.map(|stream| (signal, stream))))
                .collect::<io::Result<Vec<_>>>()?
        };
        Ok(Self { runtime, streams })
    }
}

impl SignalThread {
    pub(crate) fn start(handlers: Handlers, shared: Weak<Shared>) -> io::Result<Self> {
        let (wake_at, alarms) = watch::channel(None);
        std::thread::Builder::new().name("seawall-shutdown".to_owned()).spawn(move || {
            let Handlers { runtime, streams } = handlers;
            runtime.block_on(listen(streams, alarms, shared));
        })?;
        Ok(Self { wake_at })
    }

    /// Wakes the driver at `at` by the real clock, or not at all.
    pub(crate) fn wake_at(&self, at: Option<Instant>) {
        self.wake_at.send_if_modified(|current| {
            let differs = *current != at;
            *current = at;
            differs
        });
    }
}

impl Shared {
    /// The first signal begins the shutdown, the second forces its end.
    fn hear_signal(&self, signal: Signal) {
        // Whatever the shutdown began with: an orchestrator also sends its first signal to a
        // process that is shutting down already.
        if self.signals_heard.fetch_add(1, Ordering::SeqCst) == 0 {
            self.trigger(&signal.into());
        } else {
            self.force(signal.into());
        }
    }
}

enum Heard {
    Signal(Signal),
    /// It is time to wake the driver.
    Alarm,
    NewAlarm,
    /// The coordinator was dropped.
    Gone,
}

async fn listen(
    mut streams: Vec<(Signal, Stream)>,
    mut alarms: watch::Receiver<Option<Instant>>,
    shared: Weak<Shared>,
) {
    let mut rung = None;
    loop {
        let wake_at = *alarms.borrow_and_update();
        match hear(&mut streams, &mut alarms, wake_at.filter(|_| wake_at != rung)).await {
            Heard::Gone => return,
            Heard::NewAlarm => {}
            Heard::Alarm => {
                rung = wake_at;
                if let Some(shared) = shared.upgrade() {
                    shared.driver.wake();
                }
            }
            Heard::Signal(signal) => {
                if let Some(shared) = shared.upgrade() {
                    shared.hear_signal(signal);
                }
            }
        }
    }
}

async fn hear(
    streams: &mut [(Signal, Stream)],
    alarms: &mut watch::Receiver<Option<Instant>>,
    wake_at: Option<Instant>,
) -> Heard {
    let mut new_alarm = pin!(alarms.changed());
    let mut alarm = pin!(async {
        match wake_at {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => pending().await,
        }
    });
    poll_fn(|cx| {
        for (signal, stream) in streams.iter_mut() {
            if let Poll::Ready(Some(())) = stream.poll_recv(cx) {
                return Poll::Ready(Heard::Signal(*signal));
            }
        }
        if let Poll::Ready(changed) = new_alarm.as_mut().poll(cx) {
            return Poll::Ready(changed.map_or(Heard::Gone, |()| Heard::NewAlarm));
        }
        alarm.as_mut().poll(cx).map(|()| Heard::Alarm)
    })
    .await
}

#[cfg(unix)]
type Stream = tokio::signal::unix::Signal;

/// `None` where the platform has no such signal.
#[cfg(unix)]
fn stream(signal: Signal) -> Option<io::Result<Stream>> {
    use tokio::signal::unix::{SignalKind, signal as handle};
    let kind = match signal {
        Signal::Interrupt => SignalKind::interrupt(),
        Signal::Terminate => SignalKind::terminate(),
        Signal::Quit => SignalKind::quit(),
        Signal::CtrlBreak | Signal::CtrlClose => return None,
    };
    Some(handle(kind))
}

#[cfg(windows)]
enum Stream {
    C(tokio::signal::windows::CtrlC),
    Break(tokio::signal::windows::CtrlBreak),
    Close(tokio::signal::windows::CtrlClose),
}

#[cfg(windows)]
impl Stream {
    fn poll_recv(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Option<()>> {
        match self {
            Self::C(stream) => stream.poll_recv(cx),
            Self::Break(stream) => stream.poll_recv(cx),
            Self::Close(stream) => stream.poll_recv(cx),
        }
    }
}

#[cfg(windows)]
fn stream(signal: Signal) -> Option<io::Result<Stream>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
    Some(match signal {
        Signal::Interrupt => ctrl_c().map(Stream::C),
        Signal::CtrlBreak => ctrl_break().map(Stream::Break),
        Signal::CtrlClose => ctrl_close().map(Stream::Close),
        Signal::Terminate | Signal::Quit => return None,
    })
}

//! Runs a whole process, and ends it whatever blocks.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use seawall_core::contain;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::drive::drive_once;
use crate::shutdown::Shared;
use crate::{Report, Shutdown, StepOutput};

/// How much later than the driver the supervising thread acts in its place. Long enough that a
/// driver that is merely late is not overtaken, short enough to stay well within half a second.
const LAG: Duration = Duration::from_millis(100);

impl Shutdown {
    /// Runs `main` on `runtime` until it is over or something else begins the shutdown, then
    /// shuts down, and gives the report: at the latest when the grace period is over, or right
    /// after a second signal, **whatever blocks**: every worker thread, the only thread there is,
    /// the runtime's own end.
    ///
    /// `main` is a tracked task: it is not dropped when the shutdown begins. The drain waits for it
    /// as for the others, so it should look at a token. Its end begins the shutdown with
    /// [`Finished`](crate::ShutdownReason::Finished), its error or panic with [`TaskFailed`](crate::ShutdownReason::TaskFailed).
    ///
    /// The runtime moves to a thread of its own and is shut down in the background; the calling
    /// thread keeps time. Threads that never end are left to the end of the process: let `main()`
    /// return soon.
    ///
    /// ```
    /// use std::process::ExitCode;
    /// use seawall_shutdown::{Shutdown, Signal};
    ///
    /// fn main() -> ExitCode {
    ///     # fn build() -> Result<(Shutdown, tokio::runtime::Runtime), Box<dyn std::error::Error>> {
    ///     let shutdown = Shutdown::builder().signals(Signal::TERMINATION).build()?;
    ///     let runtime = tokio::runtime::Runtime::new()?;
    ///     # Ok((shutdown, runtime))
    ///     # }
    ///     # let Ok((shutdown, runtime)) = build() else { return ExitCode::FAILURE };
    ///     let until = shutdown.clone();
    ///     let report = shutdown.supervise(runtime, async move {
    ///         let work = async { /* serve */ };
    ///         until.run_until_shutdown(work).await;
    ///     });
    ///     match report {
    ///         Ok(report) => ExitCode::from(report.exit_code()),
    ///         Err(_) => ExitCode::FAILURE,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the operating system gives no thread for the runtime.
    ///
    /// # Panics
    ///
    /// Inside a runtime, whose thread it would block.
    pub fn supervise<Fut>(&self, runtime: Runtime, main: Fut) -> io::Result<Report>
    where
        Fut: Future<Output: StepOutput> + Send + 'static,
    {
        assert!(
            tokio::runtime::Handle::try_current().is_err(),
            "`supervise` was called inside a runtime"
        );
        self.0.driver.set_supervisor(Some(thread::current()));
        let handle = runtime.handle().clone();
        let shutdown = self.clone();
        thread::Builder::new().name("seawall-runtime".to_owned()).spawn(move || {
            runtime.block_on(async {
                // Refused if the shutdown is over already: then there is no main either.
                let spawned = shutdown.spawn_main("main".into(), |_| main, true);
                drop(spawned);
                shutdown.run().await;
            });
            runtime.shutdown_background();
        })?;
        let _inside = handle.enter();
        let report = wait(&self.0);
        self.0.driver.set_supervisor(None);
        Ok(report)
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for the report; does the driver's work where the driver is late.
fn wait(shared: &Arc<Shared>) -> Report {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    // When to look at the machine in the driver's place.
    let mut look_at: Option<Instant> = None;
    loop {
        if let Some(report) = shared.report.get() {
            return report.clone();
        }
        if !shared.trigger.has_fired() {
            thread::park();
            look_at = Some(Instant::now() + LAG);
            continue;
        }
        let now = Instant::now();
        if look_at.is_some_and(|at| at <= now) {
            look_at = None;
            // Nothing in there panics. If something did, this thread still has to end the process.
            let driven = contain(|| drive_once(shared, &mut Context::from_waker(&waker)));
            if let Ok(Some(report)) = driven {
                return report;
            }
        }
        let due = shared.plan.lock().machine.wake_at().map(|at| at + LAG);
        let next = look_at.into_iter().chain(due).min();
        match next {
            Some(next) => thread::park_timeout(next.saturating_duration_since(Instant::now())),
            None => thread::park(),
        }
        // Either the time has come, or something happened, and the driver has `LAG` to act on it.
        let soon = Instant::now() + LAG;
        look_at = Some(next.map_or(soon, |next| next.min(soon)));
    }
}

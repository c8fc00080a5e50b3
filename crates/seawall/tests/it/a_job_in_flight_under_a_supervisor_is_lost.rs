//! A supervisor that ran as a critical task until intake stopped dropped its children there and then: a job in flight was lost,
//! and the report of the shutdown said "clean", exit code 0.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seawall::Shutdown;
use seawall::guard::task::{Restart, Supervisor};
use seawall::shutdown::Report;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

async fn report(shutdown: Shutdown, supervisor: Supervisor) -> Report {
    shutdown
        .spawn_critical(
            "workers",
            |stop| async move { supervisor.run_until(stop.cancelled()).await },
        )
        .unwrap();
    sleep(3 * SECOND).await;
    shutdown.trigger("test");
    shutdown.run().await
}

#[tokio::test(start_paused = true)]
async fn a_job_in_flight_is_finished_and_the_report_is_clean() {
    let shutdown = Shutdown::builder().build().unwrap();
    let (begun, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (begins, ends, stop) = (Arc::clone(&begun), Arc::clone(&done), shutdown.intake_token());
    let child = move || {
        let (begins, ends, stop) = (Arc::clone(&begins), Arc::clone(&ends), stop.clone());
        async move {
            while !stop.is_cancelled() {
                begins.fetch_add(1, Ordering::SeqCst);
                sleep(2 * SECOND).await;
                ends.fetch_add(1, Ordering::SeqCst);
            }
            Ok::<_, &str>(())
        }
    };
    let supervisor = Supervisor::builder().build().unwrap();
    let report = report(shutdown, supervisor.child("mail", Restart::Always, child)).await;
    assert_eq!((begun.load(Ordering::SeqCst), done.load(Ordering::SeqCst)), (2, 2));
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.total, report.exit_code()), (SECOND, 0));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_dropped_is_in_the_report() {
    let shutdown = Shutdown::builder().build().unwrap();
    let supervisor = Supervisor::builder().name("workers").build().unwrap();
    let hangs = || pending::<Result<(), &str>>();
    let report = report(shutdown, supervisor.child("mail", Restart::Always, hangs)).await;
    assert!(!report.is_clean(), "{report}");
    assert_eq!(report.exit_code(), 3);
    let why = "supervisor 'workers': stopped; dropped 1 running child: workers/mail";
    assert_eq!(report.failed_tasks[0].error, why);
}

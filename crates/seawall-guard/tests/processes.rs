//! Effects that show only from outside a process: hooks, payload bombs, aborts.
//!
//! Each test runs this program again, with the name of a scene in the environment.

use std::panic::{panic_any, set_hook, take_hook};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use seawall_core::panic::{MAX_DISPOSALS, hook_installed, install_hook, leaked_payloads};
use seawall_core::{Error, PanicReport};
use seawall_guard::PanicGuard;
use seawall_guard::panic_guard::PanicGuardBuilder;

const SCENE: &str = "SEAWALL_SCENE";

fn run(scene: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["a_scene", "--exact", "--nocapture"])
        .env(SCENE, scene)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap()
}

fn assert_plays(scene: &str) -> String {
    let output = run(scene);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{scene}: {}\n{stderr}", output.status);
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{scene} was not played");
    stderr
}

#[test]
fn a_scene() {
    match std::env::var(SCENE).as_deref() {
        Ok("chained hook") => chained_hook(),
        Ok("declined hook") => declined_hook(),
        Ok("hook replaced later") => hook_replaced_later(),
        Ok("bombs") => bombs(),
        Ok("bomb in a cancelled call") => bomb_in_a_cancelled_call(),
        Ok("backtrace") => backtrace(),
        Ok("notes of many threads") => notes_of_many_threads(),
        Ok("built while panicking") => built_while_panicking(),
        Ok("asked by a hook") => asked_by_a_hook(),
        _ => {}
    }
}

/// The report of a panic by `f` under a guard.
fn report(builder: PanicGuardBuilder, f: impl FnOnce()) -> PanicReport {
    let guard = builder.build().unwrap();
    let call = guard.call(async move {
        f();
        Ok::<(), ()>(())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match runtime.block_on(call) {
        Err(Error::Panicked(panicked)) => panicked.report,
        outcome => panic!("{outcome:?}"),
    }
}

static USERS: AtomicUsize = AtomicUsize::new(0);

fn users_hook() {
    set_hook(Box::new(|_| {
        USERS.fetch_add(1, Ordering::SeqCst);
    }));
}

#[test]
fn the_hook_is_chained_to_the_users_and_installed_once() {
    assert_plays("chained hook");
}

fn chained_hook() {
    users_hook();
    for n in 1..=3 {
        let report = report(PanicGuard::builder(), || panic!("boom"));
        assert!(report.location.unwrap().contains("processes.rs:"));
        assert_eq!(USERS.load(Ordering::SeqCst), n, "the user's hook, once a panic");
    }
    assert!(install_hook(), "again does nothing");
    report(PanicGuard::builder(), || panic!("boom"));
    assert_eq!(USERS.load(Ordering::SeqCst), 4);
}

#[test]
fn a_hook_that_is_declined_is_not_installed_and_the_message_still_comes() {
    let stderr = assert_plays("declined hook");
    assert!(stderr.contains("boom"), "the standard hook prints: {stderr}");
}

fn declined_hook() {
    let report = report(PanicGuard::builder().without_hook(), || panic!("boom"));
    assert!(!hook_installed());
    assert_eq!((&*report.message, report.location), ("boom", None));
}

#[test]
fn a_hook_that_replaces_ours_costs_the_location_and_nothing_else() {
    assert_plays("hook replaced later");
}

fn hook_replaced_later() {
    report(PanicGuard::builder(), || panic!("boom"));
    drop(take_hook());
    users_hook();
    let report = report(PanicGuard::builder(), || panic!("boom"));
    assert_eq!((&*report.message, report.location), ("boom", None));
    assert_eq!(USERS.load(Ordering::SeqCst), 1);
}

/// Panics with another of its kind when it is dropped, until none is left.
struct Bomb(usize);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 > 0 {
            panic_any(Bomb(self.0 - 1));
        }
    }
}

#[test]
fn a_payload_that_panics_when_dropped_never_gets_out() {
    assert_plays("bombs");
}

fn bombs() {
    set_hook(Box::new(|_| {}));
    for bombs in [1, 2, MAX_DISPOSALS - 1] {
        report(PanicGuard::builder(), move || panic_any(Bomb(bombs)));
        assert_eq!(leaked_payloads(), 0, "{bombs}");
    }
    for (leaked, bombs) in (1..).zip([MAX_DISPOSALS, MAX_DISPOSALS + 1, usize::MAX]) {
        report(PanicGuard::builder(), move || panic_any(Bomb(bombs)));
        assert_eq!(leaked_payloads(), leaked, "{bombs}");
    }
}

struct Throws;

impl Drop for Throws {
    fn drop(&mut self) {
        panic_any(Bomb(usize::MAX));
    }
}

#[test]
fn a_bomb_in_the_drop_of_a_cancelled_call_never_gets_out() {
    assert_plays("bomb in a cancelled call");
}

fn bomb_in_a_cancelled_call() {
    set_hook(Box::new(|_| {}));
    let guard = PanicGuard::builder().build().unwrap();
    let throws = Throws;
    let mut call = Box::pin(guard.call(async move {
        let _throws = throws;
        std::future::pending::<Result<(), ()>>().await
    }));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    // Also while another panic unwinds: a second one that is not caught would abort.
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _call = call;
        panic!("outer");
    }));
    assert!(unwound.is_err());
    assert_eq!((guard.caught(), leaked_payloads()), (1, 1));
}

#[test]
fn a_backtrace_is_a_switch() {
    assert_plays("backtrace");
}

fn backtrace() {
    #[inline(never)]
    fn a_function_with_a_telling_name() {
        panic!("boom");
    }
    set_hook(Box::new(|_| {}));
    let without = report(PanicGuard::builder(), a_function_with_a_telling_name);
    assert_eq!(without.backtrace, None);
    let with = report(PanicGuard::builder().backtrace(), a_function_with_a_telling_name);
    assert!(with.backtrace.unwrap().contains("a_function_with_a_telling_name"));
    let other = report(PanicGuard::builder(), a_function_with_a_telling_name);
    assert_eq!(other.backtrace, None, "a guard that was not asked does not carry one");
}

#[test]
fn each_thread_gets_the_location_of_its_own_panic() {
    assert_plays("notes of many threads");
}

fn notes_of_many_threads() {
    set_hook(Box::new(|_| {}));
    install_hook();
    let threads = (0..8).map(|thread| {
        std::thread::spawn(move || {
            for n in 0..500 {
                // The same message from two places, and panics that nobody reports in between.
                let even = report(PanicGuard::builder(), || panic!("boom"));
                let _ = std::panic::catch_unwind(|| panic!("{thread} {n}"));
                let odd = report(PanicGuard::builder(), || {
                    panic!("boom");
                });
                assert_ne!(even.location.unwrap(), odd.location.unwrap());
                // A panic that goes on without the hook has no location of its own.
                let payload = Box::new(format!("resumed {n}"));
                let resumed = report(PanicGuard::builder(), || std::panic::resume_unwind(payload));
                assert_eq!(resumed.location, None);
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
}

#[test]
fn a_guard_may_be_built_while_its_thread_panics() {
    assert_plays("built while panicking");
}

fn built_while_panicking() {
    struct Builds;
    impl Drop for Builds {
        fn drop(&mut self) {
            assert!(PanicGuard::builder().build().is_ok());
        }
    }
    let unwound = std::panic::catch_unwind(|| {
        let _builds = Builds;
        panic!("outer");
    });
    assert!(unwound.is_err());
    assert!(!hook_installed(), "it can't be, then");
    assert!(install_hook(), "but later");
}

#[test]
fn a_hook_may_ask_for_ours_while_another_thread_installs_it() {
    assert_plays("asked by a hook");
}

fn asked_by_a_hook() {
    let (tell, told) = std::sync::mpsc::channel();
    let installs = std::thread::spawn(move || {
        told.recv().unwrap();
        assert!(install_hook());
    });
    set_hook(Box::new(move |_| {
        tell.send(()).unwrap();
        // Lets the other thread run. No hook can be set while this one runs.
        for _ in 0..1_000 {
            std::thread::yield_now();
        }
        assert!(!hook_installed());
        assert!(PanicGuard::builder().build().is_ok());
    }));
    assert!(std::panic::catch_unwind(|| panic!("boom")).is_err());
    installs.join().unwrap();
    assert!(hook_installed());
}

/// Builds this crate and its dependencies once more, which takes half a minute, and without debug
/// information, which would take longer.
#[test]
fn where_panics_abort_the_guard_says_so() {
    let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/panic_abort");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--example", "panic_abort"])
        .args(["--config", "profile.dev.panic=\"abort\"", "--target-dir", target])
        .args(["--config", "profile.dev.debug=false"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let expected = "can catch: false\n\
        refused: panic guard: on_abort is to refuse, but must be to warn in a program built with panic = \"abort\"\n\
        built with a warning: false\n";
    assert_eq!(stdout, expected, "{stderr}");
    assert!(stderr.contains("boom"), "{stderr}");
    assert!(!output.status.success(), "it aborts");
}

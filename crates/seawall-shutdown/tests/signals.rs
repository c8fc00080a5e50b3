//! Real signals to real processes. Each test starts this very binary again, as a child that plays
//! one part.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use seawall_shutdown::{Phase, Shutdown, Signal, Step};

const PART: &str = "SEAWALL_TEST_PART";

/// What is held up takes 20 s, or until its process gives up after 30. Anything else is a matter of how
/// busy the machine is.
const SOON: Duration = Duration::from_secs(10);

/// Plays the part that the environment names; a test without any that passes at once otherwise.
#[test]
fn part() {
    let Ok(part) = std::env::var(PART) else {
        return;
    };
    // A child that nothing gets to end, if that is broken, does not outlive its test for long.
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(30));
        std::process::exit(99);
    });
    if let Some(grace) = part.strip_prefix("supervised ") {
        let grace = Duration::from_secs(grace.parse().expect("seconds"));
        supervised(grace);
    }
    let (shutdown, workers) = match part.as_str() {
        "idle" => (coordinator(Duration::from_secs(20), Vec::new()), false),
        "busy" => {
            let shutdown = coordinator(Duration::from_secs(20), Vec::new());
            say_when_it_begins(&shutdown);
            (shutdown, true)
        }
        "busy-short" => {
            let written = Step::blocking("flush", || say("flushed"));
            let shutdown = Shutdown::builder()
                .grace_period(Duration::from_secs(1))
                .signals(Signal::TERMINATION)
                .step(Phase::FLUSH, written)
                .build()
                .expect("valid");
            (shutdown, true)
        }
        "early" => {
            let shutdown = coordinator(Duration::from_secs(20), Vec::new());
            signal_myself();
            // Kept by the handler, which is installed: `run` comes later.
            while !shutdown.is_shutting_down() {
                std::thread::yield_now();
            }
            (shutdown, false)
        }
        "blocked" => {
            let stuck = Step::blocking("stuck", park_for_ever);
            (coordinator(Duration::from_secs(1), vec![stuck]), false)
        }
        other => panic!("no part called {other}"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let report = runtime.block_on(async {
        if workers {
            for name in ["spinner 1", "spinner 2"] {
                spin(&shutdown, name);
            }
        }
        say("ready");
        shutdown.run().await
    });
    say(&format!("report: {report}"));
    std::process::exit(report.exit_code().into());
}

/// Blocks the only thread of its runtime, and is got out of it from outside.
fn supervised(grace: Duration) -> ! {
    let shutdown = Shutdown::builder()
        .grace_period(grace)
        .signals(Signal::TERMINATION)
        .step(Phase::FLUSH, Step::blocking("flush", || say("flushed")))
        .step(Phase::CLOSE, Step::new("close", async || say("closed")))
        .build()
        .expect("valid");
    say_when_it_begins(&shutdown);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let main = async {
        say("ready");
        park_for_ever();
    };
    let report = shutdown.supervise(runtime, main).expect("a thread");
    say(&format!("report: {report}"));
    std::process::exit(report.exit_code().into());
}

/// Says when the shutdown has begun, from a thread of its own.
fn say_when_it_begins(shutdown: &Shutdown) {
    let shutdown = shutdown.clone();
    std::thread::spawn(move || {
        while !shutdown.is_shutting_down() {
            std::thread::sleep(Duration::from_millis(1));
        }
        say("shutting down");
    });
}

fn park_for_ever() {
    loop {
        std::thread::park();
    }
}

fn coordinator(grace: Duration, steps: Vec<Step>) -> Shutdown {
    let mut builder = Shutdown::builder().grace_period(grace).signals(Signal::TERMINATION);
    for step in steps {
        builder = builder.step(Phase::DRAIN, step);
    }
    builder.build().expect("valid")
}

/// Takes a worker thread and never yields it.
fn spin(shutdown: &Shutdown, name: &'static str) {
    let (sender, started) = std::sync::mpsc::channel();
    let spinning = shutdown.spawn(name, |_| async move {
        sender.send(()).expect("somebody waits");
        loop {
            std::hint::spin_loop();
        }
    });
    drop(spinning.expect("not shutting down"));
    started.recv().expect("the worker has started");
}

fn say(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").expect("a pipe");
    out.flush().expect("a pipe");
}

fn signal_myself() {
    kill("TERM", std::process::id());
}

fn kill(signal: &str, pid: u32) {
    let status = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status();
    assert!(status.expect("kill is there").success());
}

struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Process {
    fn start(part: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("a path"))
            .args(["part", "--exact", "--nocapture", "--test-threads=1"])
            .env(PART, part)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let mut process = Self { child, out };
        process.read_until("ready");
        process
    }

    fn read_until(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            let read = self.out.read_line(&mut line).expect("text");
            assert_ne!(read, 0, "the child ended before it said {text}");
        }
    }

    fn signal(&self, signal: &str) -> Instant {
        let sending = Instant::now();
        kill(signal, self.child.id());
        sending
    }

    /// The exit code, and what the child said last.
    fn end(mut self) -> (i32, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("text");
        let status = self.child.wait().expect("it ends");
        (status.code().expect("not killed"), rest)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn one_signal_of_each_kind_ends_an_idle_process_cleanly() {
    for (signal, name) in [("TERM", "SIGTERM"), ("INT", "SIGINT"), ("QUIT", "SIGQUIT")] {
        let process = Process::start("idle");
        let sent = process.signal(signal);
        let (code, said) = process.end();
        assert_eq!(code, 0, "{said}");
        assert!(said.contains(&format!("({name}): clean")), "{said}");
        assert!(sent.elapsed() < SOON);
    }
}

#[test]
fn a_second_signal_ends_a_process_whose_workers_are_all_busy() {
    let mut process = Process::start("busy");
    process.signal("TERM");
    process.read_until("shutting down");
    let second = process.signal("INT");
    let (code, said) = process.end();
    let took = second.elapsed();
    assert!(took < SOON, "{took:?}");
    assert_eq!(code, 130, "{said}");
    assert!(said.contains("(SIGTERM): forced"), "{said}");
    assert!(said.contains("left behind: task 'spinner 1'"), "{said}");
    assert!(said.contains("left behind: task 'spinner 2'"), "{said}");
}

#[test]
fn busy_workers_hold_up_neither_the_deadline_nor_a_blocking_flush() {
    let process = Process::start("busy-short");
    let sent = process.signal("TERM");
    let (code, said) = process.end();
    let took = sent.elapsed();
    assert!(took < SOON, "{took:?}");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("flushed"), "{said}");
    assert!(said.contains("flush: done"), "{said}");
    assert!(said.contains("left behind: task 'spinner 1'"), "{said}");
}

#[test]
fn a_signal_before_the_start_is_not_lost() {
    let (code, said) = Process::start("early").end();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("(SIGTERM): clean"), "{said}");
}

#[test]
fn a_step_that_blocks_its_thread_for_ever_is_left_behind_at_the_deadline() {
    let process = Process::start("blocked");
    let sent = process.signal("TERM");
    let (code, said) = process.end();
    let took = sent.elapsed();
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert!(took < SOON, "{took:?}");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("stuck: timed out"), "{said}");
    assert!(said.contains("left behind: blocking step 'stuck'"), "{said}");
}

#[test]
fn a_runtime_whose_only_thread_is_blocked_is_got_out_of_at_the_deadline() {
    let process = Process::start("supervised 1");
    let sent = process.signal("TERM");
    let (code, said) = process.end();
    let took = sent.elapsed();
    assert!(took < SOON, "{took:?}");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("left behind: task 'main'"), "{said}");
    assert!(said.contains("flush: done"), "a blocking step needs no thread of the runtime: {said}");
    assert!(said.contains("close: timed out"), "an async step does: {said}");
}

#[test]
fn a_second_signal_gets_out_of_a_runtime_whose_only_thread_is_blocked() {
    let mut process = Process::start("supervised 20");
    process.signal("TERM");
    process.read_until("shutting down");
    let second = process.signal("TERM");
    let (code, said) = process.end();
    let took = second.elapsed();
    assert!(took < SOON, "{took:?}");
    assert_eq!(code, 143, "{said}");
    assert!(said.contains("left behind: task 'main'"), "{said}");
}

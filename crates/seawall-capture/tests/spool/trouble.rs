//! Disks that are full, read-only, or not there.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seawall_capture::spool::{SpoolError, SpoolEvent};
use seawall_capture::{Draft, MemoryStore, Spool};

use super::{Folder, counted, counts, open, prepare, record};

/// What was reported, as a word each.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<&'static str>>>);

impl Reports {
    fn open(&self, path: &std::path::Path) -> (Spool, MemoryStore) {
        let reports = self.clone();
        let report = move |event: &SpoolEvent<'_>| {
            let word = match event {
                SpoolEvent::Failing { .. } => "failing",
                SpoolEvent::Recovered { .. } => "recovered",
                _ => "other",
            };
            reports.0.lock().unwrap().push(word);
        };
        // Nobody but those who ask makes it try again.
        let builder = Spool::builder(path).every(Duration::from_hours(1)).report(report);
        let spool = builder.open().unwrap();
        let store = MemoryStore::builder().spool(&spool).build().unwrap();
        (spool, store)
    }

    fn all(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_reported_once_and_survived() {
    let folder = Folder::new();
    let path = folder.0.join("later").join("failures.spool");
    let reports = Reports::default();
    {
        let (spool, store) = reports.open(&path);
        store.record(&record("A"));
        for _ in 0..3 {
            let error = spool.flush().await.unwrap_err();
            let SpoolError::Io(error) = error else { panic!("{error:?}") };
            assert!(error.to_string().contains("No such file"), "{error}");
        }
        assert_eq!(reports.all(), ["failing"]);
        assert!(spool.counts().failing && spool.counts().failures >= 3);
        // Memory goes on, and the disk takes up what it missed when it is back.
        store.record(&record("B"));
        assert_eq!(counts(&store), counted([("A", 1), ("B", 1)]));
        std::fs::create_dir(folder.0.join("later")).unwrap();
        spool.flush().await.unwrap();
        assert_eq!(reports.all(), ["failing", "recovered"]);
        assert!(!spool.counts().failing);
    }
    let (_spool, store) = open(&path);
    assert_eq!(counts(&store), counted([("A", 1), ("B", 1)]));
}

#[tokio::test]
async fn what_another_process_wrote_meanwhile_is_not_written_over() {
    let folder = Folder::new();
    let path = folder.0.join("later").join("failures.spool");
    let reports = Reports::default();
    let (spool, store) = reports.open(&path);
    store.record(&record("A"));
    assert!(spool.flush().await.is_err());
    std::fs::create_dir(folder.0.join("later")).unwrap();
    {
        let (_spool, store) = open(&path);
        store.record(&record("B"));
    }
    let error = spool.flush().await.unwrap_err();
    assert!(error.to_string().ends_with("another process wrote it since"), "{error}");
    drop((spool, store));
    assert_eq!(counts(&open(&path).1), counted([("B", 1)]));
}

#[tokio::test]
async fn a_writer_that_hangs_holds_nobody_up() {
    let folder = Folder::new();
    let path = folder.0.join("later").join("failures.spool");
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (hanging, hangs) = std::sync::mpsc::channel();
    let (wait, hanging) = (Mutex::new(wait), Mutex::new(hanging));
    let report = move |_: &SpoolEvent<'_>| {
        let _ = hanging.lock().unwrap().send(());
        let _ = wait.lock().unwrap().recv();
    };
    let spool = Spool::builder(&path).report(report).open().unwrap();
    let store = MemoryStore::builder().max_groups(200).spool(&spool).build().unwrap();
    // Writing fails, and its thread does not come back from telling so.
    hangs.recv().unwrap();
    std::fs::create_dir(folder.0.join("later")).unwrap();
    for n in 0..20_000 {
        store.record(&prepare(Draft::new("Flood", "x").fingerprint((n % 5_000).to_string())));
    }
    let batch = store.take(5).unwrap();
    assert!(store.acknowledge(batch.id));
    let totals = store.totals();
    assert_eq!((totals.recorded, totals.add_up()), (20_000, true));
    drop(go_on);
    spool.flush().await.unwrap();
    drop((spool, store));
    let after = open(&path).1.totals();
    assert_eq!((after.held, after.other), (totals.held, totals.other));
}

#[tokio::test]
async fn a_report_that_panics_stops_nothing() {
    let folder = Folder::new();
    let path = folder.0.join("later").join("failures.spool");
    let spool = Spool::builder(&path).report(|_| panic!("theirs")).open().unwrap();
    let store = MemoryStore::builder().spool(&spool).build().unwrap();
    store.record(&record("A"));
    assert!(spool.flush().await.is_err());
    std::fs::create_dir(folder.0.join("later")).unwrap();
    spool.flush().await.unwrap();
}

#[cfg(unix)]
mod limited {
    //! Trouble that only another process can be put into.

    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    const PATH: &str = "SEAWALL_TROUBLED_PATH";

    fn test(name: &str, path: &Path) -> Vec<String> {
        let test = format!("trouble::limited::{name}");
        let exe = std::env::current_exe().unwrap().into_os_string().into_string().unwrap();
        let args = [exe, test, "--exact".into(), "--nocapture".into()];
        assert!(path.parent().is_some_and(Path::exists));
        args.to_vec()
    }

    fn run(mut command: Command, path: &Path) {
        let done = command.env(PATH, path).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && said.contains("the child did it"), "{done:?}");
    }

    fn child() -> Option<std::path::PathBuf> {
        std::env::var_os(PATH).map(Into::into)
    }

    fn block_on(future: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
        eprintln!("the child did it");
    }

    /// No test, but the child of the next one: files may not grow beyond 16 KiB, until the limit is
    /// lifted.
    #[test]
    fn full() {
        let Some(path) = child() else { return };
        let reports = Reports::default();
        block_on(async {
            let (spool, store) = reports.open(&path);
            let mut kept = 0;
            for n in 0..100 {
                store.record(&record(&format!("kind {n}")));
                match spool.flush().await {
                    Ok(()) => kept = n + 1,
                    Err(SpoolError::Io(error)) => assert_eq!(error.kind(), ErrorKind::FileTooLarge),
                    Err(error) => panic!("{error:?}"),
                }
            }
            assert!(kept > 0 && kept < 50, "{kept}");
            assert_eq!(reports.all(), ["failing"]);
            assert_eq!(counts(&store).len(), 100);
            let (file, copy) = (std::fs::read(&path).unwrap(), path.with_extension("copy"));
            let (_, most) = rlimit::Resource::FSIZE.get().unwrap();
            rlimit::Resource::FSIZE.set(most, most).unwrap();
            // Had the process ended before, this would have been there.
            std::fs::write(&copy, file).unwrap();
            assert_eq!(counts(&open(&copy).1).len(), kept);
            spool.flush().await.unwrap();
            assert_eq!(reports.all(), ["failing", "recovered"]);
        });
    }

    #[tokio::test]
    async fn a_full_disk_is_reported_once_and_survived() {
        if child().is_some() {
            return;
        }
        let folder = Folder::new();
        let args = test("full", &folder.spool());
        let mut command = Command::new("sh");
        // In units of 512 bytes. Without the trap the first write beyond it would be the last.
        command.args(["-c", "trap '' XFSZ; ulimit -S -f 32; exec \"$@\"", "sh"]).args(args);
        run(command, &folder.spool());
        let (_spool, store) = open(&folder.spool());
        assert_eq!(counts(&store).len(), 100);
    }

    /// No test, but the child of the next one: its user may not write into the folder.
    #[test]
    fn read_only() {
        let Some(path) = child() else { return };
        let reports = Reports::default();
        block_on(async {
            let (spool, store) = reports.open(&path);
            // What is there can be read.
            assert_eq!(counts(&store), counted([("A", 1)]));
            store.record(&record("A"));
            for _ in 0..3 {
                let SpoolError::Io(error) = spool.flush().await.unwrap_err() else { panic!() };
                assert!(error.to_string().contains("ermission denied"), "{error}");
            }
            assert_eq!(counts(&store), counted([("A", 2)]));
            assert_eq!(reports.all(), ["failing"]);
        });
    }

    #[tokio::test]
    async fn a_folder_that_is_read_only_is_reported_once_and_survived() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};

        if child().is_some() {
            return;
        }
        let folder = Folder::new();
        {
            let (_spool, store) = open(&folder.spool());
            store.record(&record("A"));
        }
        let before = std::fs::read(folder.spool()).unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        };
        // Nobody else may read it as a rule; the child has to, where it is somebody else.
        mode(&folder.spool(), 0o444);
        mode(&folder.0.join("failures.spool.lock"), 0o444);
        mode(&folder.0, 0o555);
        let args = test("read_only", &folder.spool());
        let mut command = Command::new(&args[0]);
        command.args(&args[1..]);
        if std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0) {
            // The superuser may write anywhere.
            command.uid(65_534).gid(65_534);
        }
        run(command, &folder.spool());
        mode(&folder.0, 0o755);
        assert_eq!(std::fs::read(folder.spool()).unwrap(), before);
        let (_spool, store) = open(&folder.spool());
        assert_eq!(counts(&store), counted([("A", 1)]));
    }
}

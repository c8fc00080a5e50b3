//! A file that changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seawall::AllTransient;
use seawall_config::{Config, Pipelines, Reload};
use tokio_util::sync::CancellationToken;

const SECOND: Duration = Duration::from_secs(1);

/// A folder of its own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn with_timeout(seconds: u32) -> String {
    format!("[pipelines.a]\nbase = \"standard\"\ntimeout = \"{seconds}s\"\n")
}

struct Watched {
    pipelines: Pipelines,
    reports: Arc<Mutex<Vec<Reload>>>,
    stop: CancellationToken,
}

impl Watched {
    fn start(file: &Path) -> Self {
        let config = Config::from_file(file).unwrap();
        let pipelines = Pipelines::builder(&config).build().unwrap();
        let (reports, stop) = (Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
        let reported = Arc::clone(&reports);
        let watch =
            pipelines.watch(file).report(move |it| reported.lock().unwrap().push(it.clone()));
        tokio::spawn(watch.run(stop.clone()));
        Self { pipelines, reports, stop }
    }

    /// The reports since the last time, after long enough.
    async fn reports(&self) -> Vec<Reload> {
        tokio::time::sleep(20 * SECOND).await;
        std::mem::take(&mut *self.reports.lock().unwrap())
    }

    fn timeout(&self) -> Option<Duration> {
        self.pipelines.standard("a", AllTransient).unwrap().describe().longest()
    }

    /// One report, of a change that is in force.
    async fn took(&self, seconds: u64) {
        let reports = self.reports().await;
        assert!(matches!(reports[..], [Reload::Applied(_)]), "{reports:?}");
        assert_eq!(self.timeout(), Some(Duration::from_secs(seconds)));
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_way_a_file_changes_it_is_taken_once() {
    let folder = folder("ways");
    let file = folder.join("settings.toml");
    fs::write(&file, with_timeout(1)).unwrap();
    let watched = Watched::start(&file);
    assert!(watched.reports().await.is_empty());
    // In place.
    fs::write(&file, with_timeout(2)).unwrap();
    watched.took(2).await;
    // Touched.
    fs::write(&file, with_timeout(2)).unwrap();
    assert!(watched.reports().await.is_empty());
    // Changed back.
    fs::write(&file, with_timeout(1)).unwrap();
    watched.took(1).await;
    // As an editor does.
    fs::write(folder.join("settings.toml~"), with_timeout(3)).unwrap();
    fs::rename(folder.join("settings.toml~"), &file).unwrap();
    watched.took(3).await;
    // Removed and made anew.
    fs::remove_file(&file).unwrap();
    fs::write(&file, with_timeout(4)).unwrap();
    watched.took(4).await;
    // Ends of lines of another system, and a byte order mark.
    let other = with_timeout(5).replace('\n', "\r\n");
    fs::write(&file, format!("\u{feff}{other}")).unwrap();
    watched.took(5).await;
    // Only they go: it is the same document.
    fs::write(&file, with_timeout(5)).unwrap();
    assert!(watched.reports().await.is_empty());
    watched.stop.cancel();
    fs::write(&file, with_timeout(6)).unwrap();
    assert!(watched.reports().await.is_empty());
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn the_link_of_a_config_map_is_swapped() {
    use std::os::unix::fs::symlink;

    let folder = folder("map");
    for (version, seconds) in [("..1", 1), ("..2", 2)] {
        fs::create_dir(folder.join(version)).unwrap();
        fs::write(folder.join(version).join("settings.toml"), with_timeout(seconds)).unwrap();
    }
    symlink("..1", folder.join("..data")).unwrap();
    symlink("..data/settings.toml", folder.join("settings.toml")).unwrap();
    let watched = Watched::start(&folder.join("settings.toml"));
    assert!(watched.reports().await.is_empty());
    symlink("..2", folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    watched.took(2).await;
    watched.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_still_being_written_is_left_alone() {
    let file = folder("half").join("settings.toml");
    fs::write(&file, with_timeout(1)).unwrap();
    let watched = Watched::start(&file);
    assert!(watched.reports().await.is_empty());
    // Each half stays for 200 ms, whenever somebody looks.
    for number in 2..30 {
        tokio::time::sleep(number * SECOND / 10).await;
        let whole = with_timeout(number);
        fs::write(&file, "").unwrap();
        tokio::time::sleep(SECOND / 5).await;
        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        tokio::time::sleep(SECOND / 5).await;
        fs::write(&file, whole).unwrap();
        watched.took(number.into()).await;
    }
    watched.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_is_told_with_all_mistakes_and_the_next_good_one_is_taken() {
    let file = folder("bad").join("settings.toml");
    fs::write(&file, with_timeout(1)).unwrap();
    let watched = Watched::start(&file);
    assert!(watched.reports().await.is_empty());
    let bad = "[pipelines.a]\nbase = \"standard\"\ntimeout = 7\nidempotnt = true\n";
    fs::write(&file, bad).unwrap();
    let reports = watched.reports().await;
    let [Reload::Rejected(mistakes)] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!(mistakes.iter().count(), 2, "{mistakes}");
    assert!(mistakes.to_string().contains("settings.toml:3:1: pipelines.a.timeout is 7"));
    assert_eq!(watched.timeout(), Some(SECOND));
    // What can't be changed is told as well.
    fs::write(&file, "[pipelines.a]\nlayers = [\"guard_panics\"]").unwrap();
    let reports = watched.reports().await;
    assert!(matches!(reports[..], [Reload::Rejected(_)]), "{reports:?}");
    fs::write(&file, "").unwrap();
    let reports = watched.reports().await;
    assert_eq!(reports[0].to_string(), "settings rejected\nthe file is empty");
    fs::remove_file(&file).unwrap();
    let reports = watched.reports().await;
    assert!(matches!(reports[..], [Reload::Rejected(_)]), "{reports:?}");
    assert_eq!(watched.timeout(), Some(SECOND));
    fs::write(&file, with_timeout(2)).unwrap();
    watched.took(2).await;
    watched.stop.cancel();
}

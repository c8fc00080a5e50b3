//! One setting after the other.

use std::io::Write as _;

use seawall_rehearse::Sweep;

use crate::{SERVER, fault};

#[test]
fn a_setting_is_swept() {
    let folder = std::env::temp_dir().join(format!("seawall-sweep-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("errors.toml");
    let text = format!(
        "[load]\nrate = 60\ndeadline = '500ms'\n{SERVER}\n{}share = 0.5\n[[stack]]\nname = 'mine'\nretry = {{ budget = false }}",
        fault("errors"),
    );
    std::fs::File::create(&file).and_then(|mut to| to.write_all(text.as_bytes())).expect("a file");

    let sweep: Sweep = "retry.max_attempts=1..3".parse().expect("a sweep");
    let reports = sweep.play(&file).expect("playable");
    let sent: Vec<_> = reports
        .iter()
        .map(|(_, report)| report.stack("mine").expect("it was played").median.amplification_during)
        .collect();
    assert!(
        (sent[0] - 1.0).abs() < 1e-9 && (1.4..1.6).contains(&sent[1]) && sent[2] > 1.65,
        "{sent:?}"
    );
    assert!(sweep.table(&reports).lines().count() == 1 + 3 * 4);

    let sweep: Sweep = "fault.0.share=0.1,0.9".parse().expect("a sweep");
    let reports = sweep.play(&file).expect("playable");
    let loss = |index: usize| reports[index].1.stack("none").expect("it was played").median.loss;
    assert!(loss(0) < 0.5 && loss(1) > 1.5);

    for (wrong, why) in [
        ("retry.max_attempts=0..2", "stack[0].retry.max_attempts is 0"),
        ("load.speed=1,2", "load.speed is unknown"),
    ] {
        let sweep: Sweep = wrong.parse().expect("a sweep");
        let mistakes = sweep.play(&file).unwrap_err();
        assert!(mistakes.to_string().starts_with(why), "{mistakes}");
    }
    assert!("retry".parse::<Sweep>().is_err() && "a=1..x".parse::<Sweep>().is_err());
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

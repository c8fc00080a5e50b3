//! A scenario whose measured times are in `/dev/zero`, or in a pipe that nobody writes to, took all memory
//! or waited for ever. The scenario file itself did the same.
#![cfg(unix)]

use std::path::Path;

use seawall_rehearse::Scenario;

#[test]
fn only_files_are_read() {
    let scenario =
        "[load]\nrate = 1\n[server]\nservice = { kind = 'measured', file = '/dev/zero' }\n";
    let mistakes = Scenario::parse(scenario).unwrap_err().to_string();
    assert!(mistakes.contains("/dev/zero") && mistakes.contains("no file"), "{mistakes}");
    let mistakes = Scenario::read(Path::new("/dev/zero")).unwrap_err().to_string();
    assert!(mistakes.contains("no file"), "{mistakes}");
}

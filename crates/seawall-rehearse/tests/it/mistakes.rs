//! Every mistake in a file is one line with its field and what is allowed.

use seawall_rehearse::Scenario;

const GOOD: &str = "
version = 1
[load]
rate = 700
clients = 10
deadline = '500ms'
[server]
slots = 10
service = { kind = 'exponential', mean = '10ms' }
[[fault]]
kind = 'errors'
at = '10s'
for = '3s'
share = 0.5
[[stack]]
name = 'mine'
retry = { max_attempts = 3 }
[[promise]]
that = 'recovery < 1s'
";

/// What is changed, into what, and the line that says so.
const CASES: &[(&str, &str, &str)] = &[
    ("version = 1", "version = 2", "version is 2, but must be a whole number between 1 and 1"),
    ("rate = 700", "rate = 0", "load.rate is 0, but must be a number between 0.01 and 1000000"),
    ("rate = 700", "rate = nan", "load.rate is nan, but must be a number between 0.01 and 1000000"),
    (
        "rate = 700",
        "",
        "load.rate is missing, but must be calls per second, or `closed` with `users` and `think`",
    ),
    (
        "clients = 10",
        "clients = 1.5",
        "load.clients is 1.5, but must be a whole number between 1 and 100000",
    ),
    (
        "'500ms'",
        "500",
        "load.deadline is 500, but must be a time such as \"500ms\", between 1ms and 3600s",
    ),
    (
        "slots = 10",
        "slots = 0",
        "server.slots is 0, but must be a whole number between 1 and 100000",
    ),
    (
        "slots = 10",
        "slot = 10",
        "server.slots is missing, but must be a whole number between 1 and 100000",
    ),
    (
        "slots = 10",
        "slots = 10\ncrowding = { from = 10, until = 10, times = 2 }",
        "server.crowding.until is 10, but must be more requests than `from`",
    ),
    (
        "slots = 10",
        "slots = 10\ncrowding = { from = 10, until = 10, times = 2 }",
        "server.crowding.until is 10, but must be more requests than `from`",
    ),
    ("mean = '10ms'", "man = '10ms'", "server.service.mean is missing, but must be a time"),
    (
        "'exponential'",
        "'normal'",
        "server.service.kind is \"normal\", but must be one of: fixed, exponential, lognormal, bimodal, measured",
    ),
    (
        "'errors'",
        "'bang'",
        "fault[0].kind is \"bang\", but must be one of: down, refuse, black_hole, vanish, freeze, pauses, slow, ramp, errors, slots, flapping, cold_start, deploy",
    ),
    ("share = 0.5", "share = 1.5", "fault[0].share is 1.5, but must be a number between 0 and 1"),
    ("share = 0.5", "", "fault[0].share is missing, but must be a number between 0 and 1"),
    (
        "share = 0.5",
        "share = 0.5\nbackend = 2",
        "fault[0].backend is 2, but must be a whole number between 1 and 1",
    ),
    ("at = '10s'", "", "fault[0].at is missing, but must be a time such as \"10s\""),
    ("version = 1", "for = '12s'", "fault[0] is beyond the run, but must be over before `for` is"),
    (
        "for = '3s'",
        "",
        "for is missing, but must be the length of the run, where there is a fault without an end",
    ),
    (
        "'mine'",
        "'naive'",
        "stack[0].name is \"naive\", but must be a name of its own: none, naive, omniscient run always",
    ),
    (
        "max_attempts = 3",
        "max_attempts = 0",
        "stack[0].retry.max_attempts is 0, but must be a whole number between 1 and 100",
    ),
    (
        "name = 'mine'",
        "pipeline = 'bulwark'\nname = 'mine'",
        "stack[0].pipeline is \"bulwark\", but must be one of: none, naive, budget, breaker, bulkhead, adaptive, limited, standard, refusing",
    ),
    (
        "'recovery < 1s'",
        "'recovery < 1s'\nstack = 'other'",
        "promise[0].stack is \"other\", but must be one of: mine",
    ),
    (
        "'recovery < 1s'",
        "'recovery < 5'",
        "promise[0].that is \"5\" for recovery, which is a time such as 1s, but must be comparisons such as \"recovery < 1s and loss < 4s\"",
    ),
];

fn lines(change: &str, into: &str) -> Vec<String> {
    assert!(GOOD.contains(change), "{change}");
    let text = GOOD.replacen(change, into, 1);
    Scenario::parse(&text).expect_err(into).lines().to_vec()
}

#[test]
fn each_names_its_field_and_the_range() {
    assert!(Scenario::parse(GOOD).is_ok());
    for (change, into, expected) in CASES {
        assert!(
            lines(change, into).contains(&(*expected).to_owned()),
            "{into}: {:#?}",
            lines(change, into)
        );
    }
    for (change, into, begins) in [
        ("slots = 10", "slots = 10\nslits = 1", "server.slits is unknown, but must be one of: "),
        (
            "'recovery < 1s'",
            "'speed < 1s'",
            "promise[0].that is the unknown word \"speed\"; known are loss, recovery, ",
        ),
        ("'recovery < 1s'", "'recovery = 1s'", "promise[0].that is the sign \"=\""),
        ("slots = 10", "slots = ", "line 8: "),
    ] {
        let lines = lines(change, into);
        assert!(lines.iter().any(|line| line.starts_with(begins)), "{into}: {lines:#?}");
    }
}

#[test]
fn all_of_them_at_once() {
    let text =
        GOOD.replace("700", "0").replace("share = 0.5", "share = 2").replace("'10ms'", "'ten'");
    let mistakes = Scenario::parse(&text).unwrap_err();
    let fields: Vec<_> =
        mistakes.lines().iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(fields, ["load.rate", "server.service.mean", "fault[0].share"]);
    assert!(mistakes.lines().iter().all(|line| !line.contains('\n')));
}

#[test]
fn a_file_that_is_not_there() {
    let mistakes = Scenario::read("nowhere.toml".as_ref()).unwrap_err();
    assert!(mistakes.lines()[0].starts_with("nowhere.toml: "), "{mistakes}");
}

//! A template that would take the process with it is refused before it is parsed.
#![cfg(feature = "templates")]

use seawall_capture::digest::Templates;

fn why(template: String) -> String {
    Templates::builder().text(template).build().unwrap_err().why
}

#[test]
fn they_are_refused() {
    let ifs = "{% if true %}".repeat(20_000) + &"{% endif %}".repeat(20_000);
    assert!(why(ifs).contains("longer than"));
    let ifs = "{% if true %}".repeat(100) + &"{% endif %}".repeat(100);
    assert_eq!(why(ifs), "blocks nested deeper than 64");
    let elifs = format!("{{% if true %}}{}{{% endif %}}", "{% elif true %}".repeat(100));
    assert_eq!(why(elifs), "blocks nested deeper than 64");
    for inner in ["not ", "(", "[", "-", "{'a':", "a if b else ", "2**"] {
        for many in [2_000, 200_000] {
            let template = format!("{{{{ {}1 }}}}", inner.repeat(many));
            assert!(!why(template).is_empty(), "{inner}");
        }
        // What is short enough is for the parser to judge, and it does.
        let template = format!("{{{{ {}1 }}}}", inner.repeat(1_000 / inner.len()));
        let _ = Templates::builder().text(template).build();
    }
    assert!(why("{{ ".repeat(100_000)).contains("longer than"));
    assert!(why("{% if ".to_owned() + &"a".repeat(5_000)).contains("a tag longer"));
}

#[test]
fn ordinary_ones_are_not() {
    let line =
        "{% if count %}{% set a = 1 %}{# ( [ { #}{{ a }}{% elif other %}x{% else %}y{% endif %}\n";
    let loops = "{% for group in groups %}{{ group.count }}{% endfor %}\n";
    let template = line.repeat(200) + &loops.repeat(200) + "{ % {";
    Templates::builder().text(template).build().unwrap();
}

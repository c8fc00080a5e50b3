//! JSON, `JUnit`, page and picture say the same.

use seawall_rehearse::{Rehearsal, Report, Scenario};

use crate::{SERVER, fault};

fn report() -> Report {
    let text = format!(
        "name = 'a <b> & \"c\"'\n[load]\nrate = 140\ndeadline = '500ms'\n{SERVER}\n{}\
         [[stack]]\nname = 'mine'\nbreaker = {{ consecutive_failures = 5 }}\n\
         [[promise]]\nthat = 'loss < 100s'\n[[promise]]\nthat = 'loss < 10ms'",
        fault("freeze"),
    );
    let scenario = Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    Rehearsal::new(scenario).run().expect("playable")
}

#[test]
fn json_has_a_version_and_the_figures() {
    let report = report();
    let json: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
    assert_eq!(json["schema"], 1);
    assert_eq!(json["stacks"].as_array().map(Vec::len), Some(4));
    assert_eq!(json["stacks"][2]["name"], "mine");
    assert_eq!(json["stacks"][1]["median"]["recovery"], serde_json::Value::Null, "never");
    assert_eq!(json["promises"][0]["kept"], true);
    assert_eq!(json["promises"][1]["kept"], false);
    assert!(!report.is_kept());
    let states = json["stacks"][2]["timeline"]["states"].as_array().expect("states");
    assert!(states.iter().any(|state| state[0] == "open"), "{states:?}");
}

#[test]
fn junit_has_the_promises() {
    let xml = report().junit();
    assert!(
        xml.contains(
            "<testsuite name=\"a &lt;b&gt; &amp; &quot;c&quot;\" tests=\"2\" failures=\"1\">"
        ),
        "{xml}"
    );
    assert!(xml.contains("<failure message=\"loss &lt; 10ms (it is "), "{xml}");
}

#[test]
fn the_page_needs_nothing_from_outside_and_is_escaped() {
    let page = report().html();
    for outside in ["http:", "https:", "src=", "href=", "@import", "<script"] {
        let known = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!known.contains(outside), "{outside}");
    }
    assert!(page.contains("<title>a &lt;b&gt; &amp; &quot;c&quot; – rehearsal</title>"));
    assert!(!page.contains("<b>"));
    assert!(page.contains("prefers-color-scheme:dark"));
    assert!(page.len() < 200_000, "{}", page.len());
}

#[test]
fn the_picture_has_a_panel_for_each_stack_axes_and_shaded_faults() {
    let svg = report().svg();
    for name in ["none", "naive", "mine", "omniscient"] {
        assert!(
            svg.contains("class=\"ink name\" x=\"10\"") && svg.contains(&format!(">{name}</text>"))
        );
    }
    assert_eq!(svg.matches("class=\"good\"").count(), 4);
    assert_eq!(svg.matches("class=\"bound\"").count(), 3, "all but its own");
    assert_eq!(svg.matches("class=\"fault\"").count(), 1);
    assert!(
        svg.contains(">freeze</text>")
            && svg.contains(">100 %</text>")
            && svg.contains(" s</text>")
    );
    assert!(svg.contains("class=\"open\""), "the circuit");
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
}

//! A description for programs and for pictures.

use seawall_config::{Config, Pipelines};
use serde_json::Value;

#[test]
fn as_json_it_says_what_the_description_says() {
    let config = Config::from_toml(
        r#"
        [breakers."ware \"house\""]
        [pipelines.inventory]
        base = "standard"
        breaker = "ware \"house\""
        without_timeout = true
        [pipelines.export]
        layers = [{ timeout = "30s" }, { retry = { unlimited_attempts = true } }]
        "#,
    )
    .unwrap();
    let pipelines = Pipelines::builder(&config).build().unwrap();
    for name in ["inventory", "export"] {
        let description = pipelines.describe(name).unwrap();
        let json: Value = serde_json::from_str(&description.to_json()).unwrap();
        let again: Value = serde_json::from_str(&json.to_string()).unwrap();
        assert_eq!(json, again);
        let layers = json["layers"].as_array().unwrap();
        assert_eq!(layers.len(), description.layers().len());
        for (json, layer) in layers.iter().zip(description.layers()) {
            assert_eq!(json["name"], layer.name.as_str());
            assert_eq!(json["kind"], layer.kind.label());
            assert_eq!(json["id"], format!("{}/{}", layer.kind.label(), layer.name));
            assert_eq!(json["text"], layer.text);
            let settings = json["settings"].as_object().unwrap();
            assert_eq!(settings.len(), layer.settings.iter().count(), "{json}");
        }
        assert_eq!(json["max_attempts"].as_u64(), description.max_attempts());
        assert_eq!(json["longest"].as_f64(), description.longest().map(|it| it.as_secs_f64()));
        assert_eq!(json["findings"].as_array().unwrap().len(), description.findings().len());
    }
}

#[test]
fn as_a_diagram_each_layer_leads_to_the_next() {
    let text = "[pipelines.a]\nlayers = [{ timeout = \"30s\" }, { bulkhead = 3 }]";
    let pipelines = Pipelines::builder(&Config::from_toml(text).unwrap()).build().unwrap();
    let expected = "flowchart TD
  caller([caller])
  layer0[\"timeout a<br/>30s for a call\"]
  caller --> layer0
  layer1[\"bulkhead a<br/>at most 3 in flight\"]
  layer0 --> layer1
  operation([operation])
  layer1 --> operation
";
    assert_eq!(pipelines.describe("a").unwrap().to_mermaid(), expected);
}

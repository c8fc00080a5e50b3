//! A description for programs and for pictures.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Description, LayerDescription};
use crate::inspect::{Settings, Value};

impl Description {
    /// As JSON: the layers with their settings, the worst case, the findings. A policy's `id` is its kind
    /// and name, the labels of its metrics. Times are seconds; `"never"` and `null` are what they say.
    pub fn to_json(&self) -> String {
        let layers: Vec<_> = self.layers().iter().map(layer).collect();
        let attempts = self.max_attempts().map_or_else(|| "null".to_owned(), |it| it.to_string());
        let longest = self.longest().map_or_else(|| "null".to_owned(), seconds);
        let findings = self.findings().iter().map(|it| {
            let (rule, severity) = (quoted(it.rule), quoted(it.severity.as_str()));
            let message = quoted(&it.to_string());
            format!("{{\"rule\":{rule},\"severity\":{severity},\"message\":{message}}}")
        });
        let findings: Vec<_> = findings.collect();
        format!(
            "{{\"layers\":[{}],\"max_attempts\":{attempts},\"longest\":{longest},\"findings\":[{}]}}",
            layers.join(","),
            findings.join(",")
        )
    }

    /// As a Mermaid diagram: the caller, the layers, the operation.
    pub fn to_mermaid(&self) -> String {
        let mut diagram = String::from("flowchart TD\n  caller([caller])\n");
        let mut before = "caller".to_owned();
        for (number, layer) in self.layers().iter().enumerate() {
            let text = format!("{} {}<br/>{}", layer.kind, layer.name, layer.text);
            // Entities, as Mermaid has no other way to write a quote.
            let text = text.replace('"', "#quot;");
            let _ = writeln!(diagram, "  layer{number}[\"{text}\"]\n  {before} --> layer{number}");
            before = format!("layer{number}");
        }
        let _ = writeln!(diagram, "  operation([operation])\n  {before} --> operation");
        diagram
    }
}

fn layer(layer: &LayerDescription) -> String {
    let id = format!("{}/{}", layer.kind.label(), layer.name);
    format!(
        "{{\"id\":{},\"kind\":{},\"name\":{},\"text\":{},\"settings\":{}}}",
        quoted(&id),
        quoted(layer.kind.label()),
        quoted(layer.name.as_str()),
        quoted(&layer.text),
        settings(&layer.settings)
    )
}

fn settings(settings: &Settings) -> String {
    let entries = settings.iter().map(|it| format!("{}:{}", quoted(it.field), value(&it.value)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
}

fn value(value: &Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        Value::Number(number) | Value::Share(number) => finite(*number),
        Value::Time(time) => seconds(*time),
        Value::Flag(flag) => flag.to_string(),
        Value::Text(text) => quoted(text),
        Value::Never => quoted("never"),
        Value::Off => "null".to_owned(),
        Value::Code => quoted("by function"),
    }
}

fn seconds(time: Duration) -> String {
    if time == Duration::MAX { quoted("never") } else { finite(time.as_secs_f64()) }
}

/// JSON has no number that is none, and none without end.
fn finite(number: f64) -> String {
    if number.is_finite() { format!("{number:?}") } else { "null".to_owned() }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_ascii_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

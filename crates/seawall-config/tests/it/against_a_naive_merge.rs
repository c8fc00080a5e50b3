//! Random documents: what tables inherit against a naive merge, and three formats against each other.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seawall_config::{Config, Pipelines};
use serde_json::{Map, Value, json};

type Table = BTreeMap<&'static str, Value>;

/// Keys of a bulkhead that go together in any combination, with the alternatives among them.
fn table() -> impl Strategy<Value = Table> {
    let count = (1_u32..50).prop_map(Value::from);
    let order = prop_oneof![Just("lifo"), Just("by_priority"), Just("fair")];
    let queue =
        (prop::option::of(1_u32..9), prop::option::of(1_u32..9)).prop_map(|(size, wait)| {
            let mut queue = Map::new();
            size.map(|size| queue.insert("capacity".to_owned(), size.into()));
            wait.map(|wait| queue.insert("longest_wait".to_owned(), format!("{wait}s").into()));
            Value::Object(queue)
        });
    let parts = prop::option::of(0.01_f64..0.3)
        .prop_map(|share| share.map_or(json!({}), |share| json!({ "gold": share })));
    (
        prop::option::of(count),
        prop::option::of((order, any::<bool>())),
        prop::option::of(queue),
        prop::option::of(parts),
    )
        .prop_map(|(limit, order, queue, parts)| {
            let mut table = Table::new();
            limit.map(|limit| table.insert("limit", limit));
            order.map(|(order, flag)| table.insert(order, flag.into()));
            queue.map(|queue| table.insert("queue", queue));
            parts.map(|parts| table.insert("partition", parts));
            table
        })
}

/// The merge as one would write it down: the child's keys, and the parent's where the child has none and
/// says nothing that contradicts them.
fn naive(parent: &Table, child: &Table) -> Table {
    let mut merged = child.clone();
    for (key, value) in parent {
        let contradicted = match *key {
            "lifo" => child.contains_key("by_priority"),
            "by_priority" => child.contains_key("lifo"),
            _ => false,
        };
        if contradicted {
            continue;
        }
        let both = match (value, child.get(key)) {
            (Value::Object(parent), Some(Value::Object(child))) => {
                let mut both = parent.clone();
                both.extend(child.clone());
                Value::Object(both)
            }
            (_, Some(own)) => own.clone(),
            (parent, None) => parent.clone(),
        };
        merged.insert(key, both);
    }
    merged
}

fn with(table: &Table, base: Option<&str>) -> Value {
    let mut table: Map<_, _> = table.iter().map(|it| ((*it.0).to_owned(), it.1.clone())).collect();
    base.map(|base| table.insert("base".to_owned(), base.into()));
    Value::Object(table)
}

/// What a document builds, or what is wrong with it without the places.
fn outcome(config: Result<Config, seawall_config::Mistakes>) -> Result<String, Vec<String>> {
    let built = config.and_then(|config| Pipelines::builder(&config).build());
    match built {
        Ok(pipelines) => Ok(pipelines.describe("a").unwrap().to_string()),
        Err(mistakes) => {
            let told = mistakes.iter().map(|it| format!("{} {}", it.given, it.allowed));
            let mut told: Vec<_> = told.collect();
            told.sort();
            told.dedup();
            Err(told)
        }
    }
}

/// A value as TOML has it inline.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let entries: Vec<_> =
                table.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(list) => {
            format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn document(value: &Value) -> String {
    let entries = value.as_object().unwrap().iter();
    entries.map(|(key, value)| format!("{key} = {}\n", toml(value))).collect::<Vec<_>>().concat()
}

proptest! {
    #[test]
    fn tables_inherit_as_a_naive_merge_says(chain in prop::collection::vec(table(), 1..6)) {
        let merged = chain.iter().skip(1).fold(chain[0].clone(), |parent, child| naive(&parent, child));
        let flat = json!({ "pipelines": { "a": { "layers": [{ "bulkhead": with(&merged, None) }] } } });
        // The first is the defaults, the last the table itself, and those between are templates.
        let last = chain.len() - 1;
        let mut templates = Map::new();
        for (number, table) in chain.iter().enumerate().take(last).skip(1) {
            let base = (number > 1).then(|| format!("t{}", number - 1));
            templates.insert(format!("t{number}"), with(table, base.as_deref()));
        }
        let base = (last > 1).then(|| format!("t{}", last - 1));
        let own = if last == 0 { with(&Table::new(), None) } else { with(&chain[last], base.as_deref()) };
        let inherited = json!({
            "defaults": { "bulkhead": with(&chain[0], None) },
            "templates": { "bulkhead": templates },
            "pipelines": { "a": { "layers": [{ "bulkhead": own }] } },
        });
        let flat = outcome(Config::from_json(&flat.to_string()));
        prop_assert_eq!(outcome(Config::from_json(&inherited.to_string())), flat);
    }

    #[test]
    fn one_tree_is_one_pipeline_in_every_format(
        tables in prop::collection::vec(table(), 1..4),
        timeout in 1_u32..100,
    ) {
        let mut layers: Vec<_> =
            tables.iter().map(|table| json!({ "bulkhead": with(table, None) })).collect();
        layers.insert(0, json!({ "timeout": format!("{timeout}ms") }));
        let tree = json!({ "version": 1, "pipelines": { "a": { "layers": layers } } });
        let json = outcome(Config::from_json(&tree.to_string()));
        prop_assert_eq!(&outcome(Config::from_toml(&document(&tree))), &json);
        // What is JSON is YAML, too.
        prop_assert_eq!(&outcome(Config::from_yaml(&tree.to_string())), &json);
    }

    /// Nothing that is written in a file makes it panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z=\\[\\]{}\"'\n .:0-9-]{0,200}") {
        let _ = Config::from_toml(&text);
        let _ = Config::from_json(&text);
        let _ = Config::from_yaml(&text);
    }
}

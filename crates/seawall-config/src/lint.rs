//! What is questionable about a document.

use std::collections::BTreeSet;
use std::fmt;

use seawall::{Description, Severity};

use crate::config::{Form, Part};
use crate::kind::Kind;
use crate::mistakes::Notes;
use crate::tree::{Node, Value};
use crate::{Config, Place};

/// Something about a document that is wrong, or that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LintFinding {
    /// The rule that found it: `"sum/attempts-do-not-fit"`.
    pub rule: &'static str,
    /// How bad it is. A pipeline with an error can't be built.
    pub severity: Severity,
    /// The field or the table that it is about.
    pub path: String,
    /// Where that stands.
    pub place: Place,
    /// What was found, with the numbers.
    pub why: String,
    /// What to do; completes the sentence "should be …".
    pub instead: String,
}

impl fmt::Display for LintFinding {
    /// `settings.toml:7:1: warning: pipelines.export: … is …, but should be … [rule]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, severity, path, place, why, instead } = self;
        write!(f, "{place}: {severity}: {path}: {why}, but should be {instead} [{rule}]")
    }
}

impl Config {
    /// What is questionable about the document, the worst first: what the
    /// [findings](seawall::Pipeline::findings) of each pipeline say, and the rules about names.
    ///
    /// | rule | finds | severity |
    /// |---|---|---|
    /// | `name/unused-template`, `name/unused-policy` | a template or a shared policy that nothing names | warning |
    /// | `name/duplicate` | two policies of a kind that report under one name | warning |
    /// | `name/shadowed-key` | a key of a template that every heir replaces | warning |
    /// | `share/budget-of-many` | a budget of pipelines whose loads differ by 100 | info |
    pub fn lint(&self) -> Vec<LintFinding> {
        let parts = self.build(None, &mut Notes::default());
        let mut found = Vec::new();
        for (name, part) in &parts.pipelines {
            of_pipeline(name, part, &mut found);
        }
        self.unused(&mut found);
        self.duplicates(&parts.pipelines, &mut found);
        self.shadowed(&mut found);
        self.unequal(&parts.pipelines, &mut found);
        found.sort_by_key(|it| std::cmp::Reverse(it.severity));
        found
    }

    /// Templates and shared policies that nothing names.
    fn unused(&self, found: &mut Vec<LintFinding>) {
        let mut names = BTreeSet::new();
        texts(self.document.root(), &mut names);
        for kind in Kind::ALL {
            let templates = self.document.templates(kind).map(|it| ("templates", it));
            let shared = self.document.section(kind).filter(|_| kind != Kind::Pipeline);
            let section = kind.section().unwrap_or_default();
            for (section, (name, node)) in templates.chain(shared.map(|it| (section, it))) {
                if !names.contains(name) {
                    let (rule, path) = match section {
                        "templates" => ("name/unused-template", format!("templates.{kind}.{name}")),
                        section => ("name/unused-policy", format!("{section}.{name}")),
                    };
                    found.push(LintFinding {
                        rule,
                        severity: Severity::Warning,
                        path,
                        place: node.place.clone(),
                        why: "it is named by nothing".to_owned(),
                        instead: "named, or removed".to_owned(),
                    });
                }
            }
        }
    }

    /// A pipeline's own policy reports under the pipeline's name, and a shared one under its own.
    fn duplicates(&self, pipelines: &[(String, Part)], found: &mut Vec<LintFinding>) {
        for (name, part) in pipelines {
            let mut owned: Vec<Kind> = Vec::new();
            let mut note = |kind: Kind, node: &Node, path: String| {
                if node.table().is_none() || !has_series(kind) {
                    return;
                }
                let shared = self.document.section(kind).any(|it| it.0 == name);
                if shared || owned.contains(&kind) {
                    let with = if shared { "the shared one" } else { "another of this pipeline" };
                    found.push(LintFinding {
                        rule: "name/duplicate",
                        severity: Severity::Warning,
                        path,
                        place: node.place.clone(),
                        why: format!("it is a {kind} that reports as '{name}', as {with} does"),
                        instead: "shared under a name of its own".to_owned(),
                    });
                }
                owned.push(kind);
            };
            match &part.form {
                Form::Layers(items) => {
                    for (number, item) in items.iter().enumerate() {
                        let layer = crate::layers::LAYERS.iter().find(|it| it.0 == item.word);
                        if let Some((word, kind)) = layer {
                            let path = format!("pipelines.{name}.layers[{number}].{word}");
                            note(*kind, &item.node, path);
                        }
                    }
                }
                _ => {
                    for kind in [Kind::Breaker, Kind::CongestionControl] {
                        if let Some(node) = part.node.get(kind.word()) {
                            note(kind, node, format!("pipelines.{name}.{kind}"));
                        }
                    }
                }
            }
        }
    }

    /// Keys of templates that every table that names the template replaces.
    fn shadowed(&self, found: &mut Vec<LintFinding>) {
        for kind in Kind::ALL {
            for (name, template) in self.document.templates(kind) {
                let mut heirs = Vec::new();
                heirs_of(self.document.root(), name, &mut heirs);
                if heirs.is_empty() {
                    continue;
                }
                for (key, node) in template.table().into_iter().flatten() {
                    let says = |heir: &&Node| match (heir.get(key), &node.value) {
                        // Of two tables the keys are merged.
                        (Some(own), Value::Table(_)) => own.table().is_none(),
                        (own, _) => own.is_some(),
                    };
                    if key != "base" && heirs.iter().all(says) {
                        found.push(LintFinding {
                            rule: "name/shadowed-key",
                            severity: Severity::Warning,
                            path: format!("templates.{kind}.{name}.{key}"),
                            place: node.place.clone(),
                            why: "it is replaced by every table that names the template".to_owned(),
                            instead: "removed, or inherited by one".to_owned(),
                        });
                    }
                }
            }
        }
    }

    /// Where one pipeline has 100 times the load of another, and both share a budget, it alone decides
    /// what the other may repeat.
    fn unequal(&self, pipelines: &[(String, Part)], found: &mut Vec<LintFinding>) {
        for (budget, node) in self.document.section(Kind::Budget) {
            let payers = pipelines.iter().filter(|(_, part)| names_budget(&part.node, budget));
            let loads = payers.filter_map(|(name, part)| Some((per_second(&part.node)?, name)));
            let mut loads: Vec<_> = loads.collect();
            loads.sort_by(|one, other| one.0.total_cmp(&other.0));
            let (Some(least), Some(most)) = (loads.first(), loads.last()) else { continue };
            if most.0 >= 100.0 * least.0 && most.0 > least.0 {
                found.push(LintFinding {
                    rule: "share/budget-of-many",
                    severity: Severity::Info,
                    path: format!("budgets.{budget}"),
                    place: node.place.clone(),
                    why: format!(
                        "it is one for '{}' with {} calls a second and for '{}' with {}",
                        most.1, most.0, least.1, least.0
                    ),
                    instead: "one each, as the busy one decides what the other may repeat"
                        .to_owned(),
                });
            }
        }
    }
}

fn of_pipeline(name: &str, part: &Part, found: &mut Vec<LintFinding>) {
    let path = format!("pipelines.{name}");
    if let Form::Refused(error) = &part.form {
        found.push(LintFinding {
            rule: error.rule.unwrap_or_default(),
            severity: Severity::Error,
            path,
            place: place_of(part, &error.policy.to_string(), error.field),
            why: said(error.field, &error.policy.to_string(), &error.value),
            instead: error.allowed.to_owned(),
        });
        return;
    }
    let description = part.describe().unwrap_or_else(Description::bare);
    for finding in seawall::findings_of(&description, part.load) {
        let kind = finding.policy.to_string();
        found.push(LintFinding {
            rule: finding.rule,
            severity: finding.severity,
            path: path.clone(),
            place: place_of(part, &kind, finding.field),
            why: said(finding.field, &kind, &finding.value),
            instead: finding.advice.to_owned(),
        });
    }
}

/// What is found about a field of a policy, or about its place among the others.
fn said(field: &str, kind: &str, value: &str) -> String {
    match field {
        "layer" => format!("its {kind} is {value}"),
        field => format!("{field} of its {kind} is {value}"),
    }
}

/// Where a field of a policy stands, as near as the document has it: the key, the policy's table, the
/// list, the pipeline.
fn place_of(part: &Part, kind: &str, field: &str) -> Place {
    let word = kind.replace(' ', "_");
    let node = &part.node;
    let layers = match &part.form {
        Form::Layers(items) => items.iter().find(|item| item.word.ends_with(&word)),
        _ => None,
    };
    let table = layers.map(|item| &item.node).or_else(|| node.get(&word));
    let key = table.and_then(|table| table.get(field));
    let nearest = key.or(table).or_else(|| node.get("layers")).unwrap_or(node);
    nearest.place.clone()
}

/// Kinds that telemetry keeps apart by their names.
const fn has_series(kind: Kind) -> bool {
    !matches!(kind, Kind::Timeout | Kind::PanicGuard | Kind::Fallback | Kind::Pipeline)
}

fn per_second(node: &Node) -> Option<f64> {
    match node.get("expected_load")?.get("per_second")?.value {
        #[expect(clippy::cast_precision_loss, reason = "calls a second")]
        Value::Whole(number) => Some(number as f64),
        Value::Number(number) => Some(number),
        _ => None,
    }
}

fn names_budget(node: &Node, budget: &str) -> bool {
    match &node.value {
        Value::Table(table) => table.iter().any(|(key, inner)| {
            (key == "budget" && inner.text() == Some(budget)) || names_budget(inner, budget)
        }),
        Value::List(list) => list.iter().any(|inner| names_budget(inner, budget)),
        _ => false,
    }
}

/// All texts of a document: whatever names something is among them.
fn texts<'n>(node: &'n Node, found: &mut BTreeSet<&'n str>) {
    match &node.value {
        Value::Text(text) => drop(found.insert(text)),
        Value::Table(table) => {
            for inner in table.values() {
                texts(inner, found);
            }
        }
        Value::List(list) => {
            for inner in list {
                texts(inner, found);
            }
        }
        _ => {}
    }
}

fn heirs_of<'n>(node: &'n Node, name: &str, found: &mut Vec<&'n Node>) {
    match &node.value {
        Value::Table(table) => {
            if table.get("base").and_then(Node::text) == Some(name) {
                found.push(node);
            }
            for inner in table.values() {
                heirs_of(inner, name, found);
            }
        }
        Value::List(list) => {
            for inner in list {
                heirs_of(inner, name, found);
            }
        }
        _ => {}
    }
}

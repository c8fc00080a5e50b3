//! Reads `layers`: a list, outermost first, of what the setters of a builder would add.

use seawall::guard::{PanicGuardBuilder, TimeoutBuilder};
use seawall::policy::LayerContext;
use seawall::{
    AdaptiveLimit, Breaker, Bulkhead, CongestionControl, Fallback, Hedge, Layer, PanicGuard,
    Policy, RateLimit, Retry, Scope, Throttle, Timeout,
};

use crate::code::Named;
use crate::keys::{self, FallbackSettings, Keyed};
use crate::kind::Kind;
use crate::mistakes::one_of;
use crate::policies::Policies;
use crate::reader::Reader;
use crate::stack::{Layers, Once, Repeating, Typed};
use crate::tree::{Node, Table, Value};

/// How many layers a pipeline may have.
const MAX_LAYERS: usize = 64;

/// What a layer is called, as the method of the builder that adds it, and its kind.
pub(crate) const LAYERS: &[(&str, Kind)] = &[
    ("timeout", Kind::Timeout),
    ("attempt_timeout", Kind::Timeout),
    ("retry", Kind::Retry),
    ("breaker", Kind::Breaker),
    ("fallback", Kind::Fallback),
    ("hedge", Kind::Hedge),
    ("bulkhead", Kind::Bulkhead),
    ("adaptive_limit", Kind::AdaptiveLimit),
    ("rate_limit", Kind::RateLimit),
    ("throttle", Kind::Throttle),
    ("guard_panics", Kind::PanicGuard),
    ("congestion_control", Kind::CongestionControl),
    // One of the program's own, which has no table.
    ("layer", Kind::Pipeline),
];

/// One entry of the list, with what it inherits.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) word: &'static str,
    pub(crate) node: Node,
    pub(crate) layer: Built,
}

#[derive(Clone)]
pub(crate) enum Built {
    Once(Once),
    Repeating(Repeating),
}

/// The layers in their three parts.
pub(crate) fn stack(items: &[Item]) -> Layers {
    let mut layers = Layers::default();
    for item in items {
        match (&item.layer, &layers.repeating) {
            (Built::Repeating(policy), _) => layers.repeating = Some(policy.clone()),
            (Built::Once(policy), None) => layers.outer.push(policy.clone()),
            (Built::Once(policy), Some(_)) => layers.inner.push(policy.clone()),
        }
    }
    layers
}

/// Reads and builds the layers of a pipeline.
pub(crate) fn read(
    node: &Node,
    reader: &mut Reader<'_>,
    context: &LayerContext,
) -> Option<Vec<Item>> {
    let list = reader.list(node)?;
    if list.len() > MAX_LAYERS {
        let layers = list.len();
        let given = format_args!("{layers} layers");
        reader.refuse(node, given, format_args!("at most {MAX_LAYERS}"));
        return None;
    }
    let mut items: Vec<Item> = Vec::new();
    let mut complete = true;
    for (number, entry) in list.iter().enumerate() {
        let item = reader.within(format!("[{number}]"), |reader| item(entry, reader, context));
        complete &= item.is_some();
        let Some(item) = item else { continue };
        let repeats = |item: &Item| matches!(item.layer, Built::Repeating(_));
        if let Some(outer) = items.iter().find(|outer| repeats(outer) && repeats(&item)) {
            let given = format!("a {} inside of a {}", item.word, outer.word);
            let allowed = "the only layer that repeats: attempts would multiply";
            reader.within(format!("[{number}]"), |reader| reader.refuse(entry, given, allowed));
            complete = false;
        }
        items.push(item);
    }
    complete.then_some(items)
}

fn item(entry: &Node, reader: &mut Reader<'_>, context: &LayerContext) -> Option<Item> {
    let words = || LAYERS.iter().map(|layer| layer.0);
    let nothing = Node { value: Value::Table(Table::new()), place: entry.place.clone() };
    let (word, node) = match &entry.value {
        Value::Text(word) => (word.as_str(), &nothing),
        Value::Table(table) if table.len() == 1 => {
            let (word, node) = table.iter().next()?;
            (word.as_str(), node)
        }
        _ => {
            reader.refuse(entry, entry, "the name of a layer, or a table with one key");
            return None;
        }
    };
    let Some((word, kind)) = LAYERS.iter().find(|layer| layer.0 == word) else {
        reader.refuse(entry, format_args!("\"{word}\""), one_of(word, words()));
        return None;
    };
    reader.within(*word, |reader| {
        let node = expanded(word, *kind, node);
        let (node, layer) = built(word, &node, reader, context)?;
        Some(Item { word, node, layer })
    })
}

/// Where one number or time says all there is to say, it stands for the table.
fn expanded(word: &str, kind: Kind, node: &Node) -> Node {
    let mut table = match (&node.value, kind) {
        (Value::Table(table), _) => table.clone(),
        (Value::Text(_), Kind::Timeout) | (Value::Whole(_), Kind::Timeout | Kind::Bulkhead) => {
            Table::from([("limit".to_owned(), node.clone())])
        }
        (Value::Text(_), Kind::Fallback) => Table::from([("or_with".to_owned(), node.clone())]),
        (Value::Flag(true), _) => Table::new(),
        _ => return node.clone(),
    };
    if word == "attempt_timeout" {
        let scope = Node { value: Value::Text("attempt".to_owned()), place: node.place.clone() };
        table.entry("scope".to_owned()).or_insert(scope);
    }
    Node { value: Value::Table(table), place: node.place.clone() }
}

fn built(
    word: &'static str,
    node: &Node,
    reader: &mut Reader<'_>,
    context: &LayerContext,
) -> Option<(Node, Built)> {
    macro_rules! once {
        ($policy:ident, $section:ident) => {
            shared_or_own(node, reader, context, $policy::builder, |it| &it.$section)
                .map(|(node, policy)| (node, Built::Once(Once::$policy(policy))))
        };
    }
    macro_rules! repeating {
        ($policy:ident, $section:ident) => {
            shared_or_own(node, reader, context, $policy::builder, |it| &it.$section)
                .map(|(node, policy)| (node, Built::Repeating(Repeating::$policy(policy))))
        };
    }
    match word {
        "timeout" | "attempt_timeout" => {
            let (node, policy) = own::<TimeoutBuilder>(node, reader, context, || {
                Timeout::builder().scope(Scope::Total)
            })?;
            Some((node, Built::Once(Once::Timeout(policy))))
        }
        "guard_panics" => {
            let new = PanicGuard::builder;
            let (node, policy) = own::<PanicGuardBuilder>(node, reader, context, new)?;
            Some((node, Built::Once(Once::PanicGuard(policy))))
        }
        "retry" => repeating!(Retry, retries),
        "hedge" => repeating!(Hedge, hedges),
        "congestion_control" => repeating!(CongestionControl, congestion_controls),
        "breaker" => once!(Breaker, breakers),
        "bulkhead" => once!(Bulkhead, bulkheads),
        "adaptive_limit" => once!(AdaptiveLimit, adaptive_limits),
        "rate_limit" => once!(RateLimit, rate_limits),
        "throttle" => once!(Throttle, throttles),
        "fallback" => fallback(node, reader, context),
        _ => {
            let layer = reader.code(node, |code| &code.layers);
            let typed = layer.unwrap_or_else(|| Typed::new::<_, (), ()>(seawall::policy::Identity));
            node.text().map(|_| (node.clone(), Built::Once(Once::Typed(typed))))
        }
    }
}

fn own<B>(
    node: &Node,
    reader: &mut Reader<'_>,
    context: &LayerContext,
    new: impl Fn() -> B,
) -> Option<(Node, B::Policy)>
where
    B: Keyed + Layer,
{
    let node = reader.inherited(B::KIND, node)?;
    let policy = keys::build(new, &node, reader, |builder| builder.into_policy(context))?;
    Some((node, policy))
}

fn shared_or_own<B>(
    node: &Node,
    reader: &mut Reader<'_>,
    context: &LayerContext,
    new: impl Fn() -> B,
    of: impl FnOnce(&Policies) -> &Named<B::Policy>,
) -> Option<(Node, B::Policy)>
where
    B: Keyed + Layer,
    B::Policy: Clone,
{
    if node.text().is_none() {
        return own(node, reader, context, new);
    }
    let policy: B::Policy = reader.shared(node, B::KIND, of)?;
    Some((node.clone(), policy.heard_by(&context.listeners)))
}

fn fallback(node: &Node, reader: &mut Reader<'_>, context: &LayerContext) -> Option<(Node, Built)> {
    let node = reader.inherited(Kind::Fallback, node)?;
    let answers = ["or_value", "or_with", "or_try_with", "or_with_async", "or_last_good"];
    if let Some(table) = node.table()
        && answers.iter().all(|it| !table.contains_key(*it))
    {
        reader.refuse(
            &node,
            "without an answer",
            format_args!("given one: {}", answers.join(", ")),
        );
        return None;
    }
    let policy = keys::build(FallbackSettings::default, &node, reader, |settings| {
        match settings.make.clone() {
            Some(make) => make(&settings, context),
            // Only looked at: what answers isn't known here.
            None => placeholder(&settings, context),
        }
    })?;
    Some((node, Built::Once(Once::Typed(policy))))
}

fn placeholder(
    settings: &FallbackSettings,
    context: &LayerContext,
) -> Result<Typed, seawall::ConfigError> {
    let builder = settings.apply(Fallback::<(), ()>::value(()));
    builder.into_policy(context).map(Typed::new::<_, (), ()>)
}

impl Item {
    /// Whether both are the same policy, so that no layers need to be put in the place of others.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.word == other.word && self.node == other.node && self.layer.id() == other.layer.id()
    }
}

impl Built {
    /// The policy's identity, where it has one; without one, the same settings are the same policy.
    fn id(&self) -> Option<seawall::policy::InspectId> {
        let mut found = None;
        let mut note = |policy: std::sync::Arc<dyn seawall::policy::Inspect>| {
            found.get_or_insert(policy.id());
        };
        match self {
            Self::Once(once) => once.inspect(&mut note),
            Self::Repeating(repeating) => repeating.inspect(&mut note),
        }
        found
    }
}

//! The keys of each kind of table: one for each setter of its builder, of the same name.
//!
//! A key's name is the identifier of the setter, so neither can change without the other.

use seawall::ConfigError;

use crate::kind::Kind;
use crate::mistakes::one_of;
use crate::reader::Reader;
use crate::tree::Node;

mod adaptive_limit;
mod backoff;
mod breaker;
mod limits;
mod pipeline;
mod retries;
mod simple;

pub(crate) use pipeline::{Load, load};
pub(crate) use simple::FallbackSettings;

/// One key of a table.
pub(crate) struct Key<B> {
    pub(crate) name: &'static str,
    /// Whether a policy that runs can take another value.
    pub(crate) live: bool,
    pub(crate) set: fn(B, &Node, &mut Reader<'_>) -> B,
}

/// A builder whose setters are keys.
pub(crate) trait Keyed: Sized + 'static {
    const KIND: Kind;
    const KEYS: &'static [Key<Self>];
}

/// Defines keys. `setter: reader` reads the argument of a setter by a method of [`Reader`], `setter:
/// flag` is a setter without one, `setter by function` reads the argument by a function, and `setter as
/// (closure)` does all of it. Those that are `fixed` need a policy that is built anew.
macro_rules! keys {
    (@key $live:expr, $name:ident : flag) => {
        Key {
            name: stringify!($name),
            live: $live,
            set: |builder, node, reader| match reader.flag(node) {
                Some(true) => builder.$name(),
                _ => builder,
            },
        }
    };
    (@key $live:expr, $name:ident : $read:ident) => {
        Key {
            name: stringify!($name),
            live: $live,
            set: |builder, node, reader| match reader.$read(node) {
                Some(value) => builder.$name(value),
                None => builder,
            },
        }
    };
    (@key $live:expr, $name:ident by $read:ident) => {
        Key {
            name: stringify!($name),
            live: $live,
            set: |builder, node, reader| match $read(node, reader) {
                Some(value) => builder.$name(value),
                None => builder,
            },
        }
    };
    (@key $live:expr, $name:ident as $set:tt) => {
        Key { name: stringify!($name), live: $live, set: $set }
    };
    ($kind:ident, $builder:ty;
        live { $($live:ident $how:tt $what:tt),* $(,)? }
        fixed { $($fixed:ident $fixed_how:tt $fixed_what:tt),* $(,)? }
    ) => {
        impl Keyed for $builder {
            const KIND: Kind = Kind::$kind;
            const KEYS: &'static [Key<Self>] = &[
                $(keys!(@key true, $live $how $what),)*
                $(keys!(@key false, $fixed $fixed_how $fixed_what),)*
            ];
        }
    };
}
pub(crate) use keys;

/// Reads a table, which has inherited already, into `builder`.
pub(crate) fn read<B: Keyed>(builder: B, node: &Node, reader: &mut Reader<'_>) -> B {
    let Some(table) = reader.table(node) else { return builder };
    let mut builder = builder;
    for key in B::KEYS {
        if let Some(value) = table.get(key.name) {
            builder = reader.within(key.name, |reader| (key.set)(builder, value, reader));
        }
    }
    let known = || B::KEYS.iter().map(|key| key.name);
    for (key, value) in table {
        if known().all(|it| it != key) && key != "base" {
            reader.within(key.clone(), |reader| {
                reader.refuse(value, "unknown", one_of(key, known()));
            });
        }
    }
    reader.contradictions(table);
    builder
}

/// Builds what `node` says, and notes everything that `build` refuses, not only the first thing.
pub(crate) fn build<B: Keyed, P>(
    new: impl Fn() -> B,
    node: &Node,
    reader: &mut Reader<'_>,
    build: impl Fn(B) -> Result<P, ConfigError>,
) -> Option<P> {
    let before = reader.notes.len();
    let mut refused = build(read(new(), node, reader));
    // Where a value could not be read, the rest is still checked; but nothing comes of it.
    let readable = reader.notes.len() == before;
    let mut left = node.clone();
    let mut scratch = crate::mistakes::Notes::default();
    loop {
        let error = match refused {
            Ok(policy) => return readable.then_some(policy),
            Err(error) => error,
        };
        let Some((key, place)) = place_of(&left, error.field) else {
            // With what could not be read left out, defaults may contradict each other.
            if readable && reader.notes.len() == before {
                let path = joined(&reader.path(), error.field);
                reader.notes.refuse(path, &node.place, &error.value, error.allowed);
            }
            return None;
        };
        let path = joined(&reader.path(), &key);
        reader.notes.refuse(path, &place, &error.value, error.allowed);
        without(&mut left, &key);
        let mut again = reader.with_notes(&mut scratch);
        refused = match build(read(new(), &left, &mut again)) {
            Ok(_) => return None,
            refused @ Err(_) => refused,
        };
    }
}

/// The builder of a table that a pipeline has for itself, with what it inherits, once it was seen to
/// build.
pub(crate) fn own<B: Keyed, P>(
    new: fn() -> B,
    node: &Node,
    reader: &mut Reader<'_>,
    build: impl Fn(B) -> Result<P, ConfigError>,
) -> Option<B> {
    let node = reader.inherited(B::KIND, node)?;
    self::build(new, &node, reader, build)?;
    Some(read(new(), &node, reader))
}

fn joined(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// The path of the key that a builder calls `field`, and its place: the key itself, one inside of it,
/// or one whose name the field begins with.
fn place_of(node: &Node, field: &str) -> Option<(String, crate::Place)> {
    let table = node.table()?;
    if let Some(found) = table.get(field) {
        return Some((field.to_owned(), found.place.clone()));
    }
    let inside = table.iter().find_map(|(key, inner)| {
        let (path, place) = place_of(inner, field)?;
        Some((format!("{key}.{path}"), place))
    });
    let named_after = || {
        let found = table.iter().find(|(key, _)| field.starts_with(key.as_str()))?;
        Some((found.0.clone(), found.1.place.clone()))
    };
    let (_, last) = field.rsplit_once(['.', ' ']).unwrap_or_default();
    inside
        .or_else(|| if last.is_empty() { None } else { place_of(node, last) })
        .or_else(named_after)
}

/// Removes what stands at `path`, up to the table that a setter reads.
fn without(node: &mut Node, path: &str) {
    let key = path.split('.').next().unwrap_or(path);
    if let crate::tree::Value::Table(table) = &mut node.value {
        table.remove(key);
    }
}

/// Looks at a table of any kind for keys and values that can't be meant, alone, before anything
/// inherits it.
pub(crate) fn look(kind: Kind, node: &Node, reader: &mut Reader<'_>) {
    use seawall::breaker::BreakerBuilder;
    use seawall::guard::{PanicGuardBuilder, TimeoutBuilder};
    use seawall::limit::{
        AdaptiveLimitBuilder, BulkheadBuilder, CongestionControlBuilder, RateLimitBuilder,
        ThrottleBuilder,
    };
    use seawall::retry::{BudgetBuilder, HedgeBuilder, RetryBuilder};

    fn known<B: Keyed>(node: &Node, reader: &mut Reader<'_>) {
        for (key, value) in node.table().into_iter().flatten() {
            let known = || B::KEYS.iter().map(|key| key.name);
            if known().all(|it| it != key) && key != "base" {
                reader.within(key.clone(), |reader| {
                    reader.refuse(value, "unknown", one_of(key, known()));
                });
            }
        }
    }
    match kind {
        Kind::Pipeline => {}
        Kind::Breaker => known::<BreakerBuilder>(node, reader),
        Kind::Budget => known::<BudgetBuilder>(node, reader),
        Kind::Retry => known::<RetryBuilder>(node, reader),
        Kind::Hedge => known::<HedgeBuilder>(node, reader),
        Kind::Timeout => known::<TimeoutBuilder>(node, reader),
        Kind::PanicGuard => known::<PanicGuardBuilder>(node, reader),
        Kind::Fallback => known::<FallbackSettings>(node, reader),
        Kind::Bulkhead => known::<BulkheadBuilder>(node, reader),
        Kind::RateLimit => known::<RateLimitBuilder>(node, reader),
        Kind::AdaptiveLimit => known::<AdaptiveLimitBuilder>(node, reader),
        Kind::Throttle => known::<ThrottleBuilder>(node, reader),
        Kind::CongestionControl => known::<CongestionControlBuilder>(node, reader),
    }
}

//! Timeout, panic guard and fallback.

use std::time::Duration;

use seawall::Scope;
use seawall::guard::panic_guard::OnAbort;
use seawall::guard::{FallbackBuilder, PanicGuardBuilder, TimeoutBuilder};

use super::{Key, Keyed, keys};
use crate::code::{MakeFallback, When};
use crate::kind::Kind;
use crate::reader::Reader;
use crate::tree::Node;

keys! { Timeout, TimeoutBuilder;
    live {
        limit: time,
    }
    fixed {
        scope by scope,
        limit_by as (limit_by),
    }
}

keys! { PanicGuard, PanicGuardBuilder;
    live {}
    fixed {
        disabled: flag,
        without_hook: flag,
        backtrace: flag,
        on_abort by on_abort,
        payload_type as (payload_type),
    }
}

/// What a file says about a fallback; the answer itself is code.
#[derive(Clone, Default)]
pub(crate) struct FallbackSettings {
    pub(crate) make: Option<MakeFallback>,
    pub(crate) when: Option<When>,
    pub(crate) max_concurrent: Option<usize>,
    pub(crate) last_good: Option<Duration>,
}

keys! { Fallback, FallbackSettings;
    live {}
    fixed {
        when as (|settings: FallbackSettings, node, reader| FallbackSettings {
            when: reader.code(node, |code| &code.when),
            ..settings
        }),
        max_concurrent as (|settings: FallbackSettings, node, reader| FallbackSettings {
            max_concurrent: reader.size(node),
            ..settings
        }),
        or_value as (answer),
        or_with as (answer),
        or_try_with as (answer),
        or_with_async as (answer),
        or_last_good as (|settings: FallbackSettings, node, reader| FallbackSettings {
            last_good: reader.time(node),
            ..settings
        }),
    }
}

fn answer(settings: FallbackSettings, node: &Node, reader: &mut Reader<'_>) -> FallbackSettings {
    FallbackSettings { make: reader.code(node, |code| &code.fallbacks), ..settings }
}

fn scope(node: &Node, reader: &mut Reader<'_>) -> Option<Scope> {
    reader.word(node, &[("total", Scope::Total), ("attempt", Scope::Attempt)])
}

fn limit_by(builder: TimeoutBuilder, node: &Node, reader: &mut Reader<'_>) -> TimeoutBuilder {
    match reader.code(node, |code| &code.limit_by) {
        Some(limit) => builder.limit_by(move |attempt| limit(attempt)),
        None => builder,
    }
}

fn on_abort(node: &Node, reader: &mut Reader<'_>) -> Option<OnAbort> {
    reader.word(node, &[("refuse", OnAbort::Refuse), ("warn", OnAbort::Warn)])
}

/// One name, or a list of them.
fn payload_type(
    builder: PanicGuardBuilder,
    node: &Node,
    reader: &mut Reader<'_>,
) -> PanicGuardBuilder {
    if node.text().is_some() {
        return match reader.code(node, |code| &code.payload_types) {
            Some(add) => add(builder),
            None => builder,
        };
    }
    let mut builder = builder;
    for (number, item) in reader.list(node).unwrap_or_default().iter().enumerate() {
        builder = reader.within(format!("[{number}]"), |reader| {
            match reader.code(item, |code| &code.payload_types) {
                Some(add) => add(builder),
                None => builder,
            }
        });
    }
    builder
}

impl FallbackSettings {
    /// The builder of a fallback with these settings.
    pub(crate) fn apply<T, E>(&self, builder: FallbackBuilder<T, E>) -> FallbackBuilder<T, E>
    where
        T: Clone + Send + Sync + 'static,
    {
        let mut builder = builder;
        if let Some(when) = self.when.clone() {
            builder = builder.when(move |class| when(class));
        }
        if let Some(most) = self.max_concurrent {
            builder = builder.max_concurrent(most);
        }
        match self.last_good {
            Some(max_age) => builder.or_last_good(max_age),
            None => builder,
        }
    }
}

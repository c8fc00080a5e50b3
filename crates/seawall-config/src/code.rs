//! What only the program can give, by the name that a document calls it.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall::breaker::{Export, WindowCounts};
use seawall::guard::PanicGuardBuilder;
use seawall::policy::LayerContext;
use seawall::{Attempt, Class, ConfigError};

use crate::keys::FallbackSettings;
use crate::stack::Typed;

pub(crate) type Named<T> = BTreeMap<String, T>;

pub(crate) type Delay = Arc<dyn Fn(&Attempt) -> Duration + Send + Sync>;
pub(crate) type While = Arc<dyn Fn(&Attempt, Class) -> bool + Send + Sync>;
pub(crate) type When = Arc<dyn Fn(Class) -> bool + Send + Sync>;
pub(crate) type Holds = Arc<dyn Fn(&WindowCounts) -> bool + Send + Sync>;
pub(crate) type Nth = Arc<dyn Fn(u32) -> Duration + Send + Sync>;
pub(crate) type AddType = fn(PanicGuardBuilder) -> PanicGuardBuilder;
pub(crate) type MakeFallback =
    Arc<dyn Fn(&FallbackSettings, &LayerContext) -> Result<Typed, ConfigError> + Send + Sync>;

/// A classifier, and the name of its type.
#[derive(Clone)]
pub(crate) struct Classifier {
    pub(crate) value: Arc<dyn Any + Send + Sync>,
    pub(crate) type_name: &'static str,
}

/// What a program registered.
#[derive(Clone, Default)]
pub(crate) struct Code {
    pub(crate) classifiers: Named<Classifier>,
    pub(crate) fallbacks: Named<MakeFallback>,
    pub(crate) layers: Named<Typed>,
    pub(crate) when: Named<When>,
    pub(crate) limit_by: Named<Delay>,
    pub(crate) delay_by: Named<Delay>,
    pub(crate) while_attempt: Named<While>,
    pub(crate) open_when: Named<Holds>,
    pub(crate) from_fn: Named<Nth>,
    pub(crate) restore: Named<Export>,
    pub(crate) restore_after: Named<(Export, Duration)>,
    pub(crate) payload_types: Named<AddType>,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code")
            .field("classifiers", &self.classifiers.keys())
            .field("fallbacks", &self.fallbacks.keys())
            .finish_non_exhaustive()
    }
}

/// The types of the results that a pipeline serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Types {
    id: TypeId,
    pub(crate) name: &'static str,
}

impl Types {
    pub(crate) fn of<T: 'static, E: 'static>() -> Self {
        let (id, name) = (TypeId::of::<(T, E)>(), std::any::type_name::<Result<T, E>>());
        Self { id, name }
    }
}

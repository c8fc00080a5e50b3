//! The scripts, and the arguments that all of them get.

use std::fmt::Display;
use std::time::Duration;

use redis::{Script, ScriptInvocation, ToRedisArgs};

use crate::config::Shared;

/// How long keys live beyond the retention and the lease, so that a lagging sweep finds them and
/// counts them.
const MARGIN: Duration = Duration::from_mins(1);

/// The key of the sums. It names the slot of a cluster that the store is in.
pub(crate) const SUMS: &str = "sums";

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident: $($file:literal),+;)*) => {
        /// One script for each operation.
        #[derive(Debug)]
        pub(crate) struct Scripts {
            prefix: String,
            shared: Vec<String>,
            $($(#[$doc])* pub(crate) $name: Script,)*
        }

        impl Scripts {
            pub(crate) fn new(prefix: String, shared: &Shared) -> Self {
                Self {
                    prefix,
                    shared: shared_arguments(shared),
                    $($name: Script::new(concat!(
                        include_str!("lua/prelude.lua"),
                        $(include_str!(concat!("lua/", $file, ".lua")),)+
                    )),)*
                }
            }
        }
    };
}

scripts! {
    /// Counts what a process gathered.
    record: "entries", "side", "spike", "version", "record";
    names: "names";
    groups: "entries", "spike", "reply", "groups";
    totals: "totals";
    take: "entries", "side", "spike", "reply", "take";
    acknowledge: "entries", "side", "acknowledge";
    put_back: "entries", "side", "put_back";
    give_back: "entries", "side", "give_back";
    resolve: "entries", "resolve";
    mute: "entries", "mute";
    merge: "entries", "merge";
}

impl Scripts {
    /// A script with the arguments that all get; its own come next.
    pub(crate) fn invoke<'s>(&self, script: &'s Script) -> Arguments<'s> {
        let mut invocation = script.prepare_invoke();
        invocation.key(format!("{}{SUMS}", self.prefix)).arg(&self.prefix).arg(&self.shared);
        Arguments(invocation)
    }
}

/// A script with its arguments.
pub(crate) struct Arguments<'s>(pub(crate) ScriptInvocation<'s>);

impl Arguments<'_> {
    pub(crate) fn and(mut self, value: impl ToRedisArgs) -> Self {
        self.0.arg(value);
        self
    }

    /// As text, and as a number to the script.
    pub(crate) fn text(self, value: impl Display) -> Self {
        self.and(value.to_string())
    }
}

fn shared_arguments(shared: &Shared) -> Vec<String> {
    let Shared { retention, max_groups, max_bytes, new_for, lease, spike } = *shared;
    let retention = retention.time().unwrap_or_default();
    // Whatever is written lives longer than the last of what is written with it is kept.
    let life = if retention.is_zero() { retention } else { retention + lease + MARGIN };
    vec![
        millis(retention).to_string(),
        millis(life).to_string(),
        millis(lease).to_string(),
        max_groups.to_string(),
        max_bytes.to_string(),
        millis(new_for).to_string(),
        millis(spike.bucket).max(1).to_string(),
        spike.min_history.to_string(),
        spike.min_volume.to_string(),
        spike.deviations.to_string(),
        spike.cool_down.to_string(),
    ]
}

/// Rounded up, so that a time above zero stays above zero.
pub(crate) fn millis(time: Duration) -> u64 {
    let millis = time.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX)
}

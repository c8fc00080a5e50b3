//! Default settings, with the reason for each.

use seawall_core::Class;

/// Which classes are fallen back from: every failure but a permanent one, which is an answer that
/// the caller should see, and a cancelled call, which nobody waits for.
pub fn default_classes(class: Class) -> bool {
    !matches!(class, Class::Success | Class::Permanent | Class::Cancelled)
}

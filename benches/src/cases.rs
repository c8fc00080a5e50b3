//! All cases, one file a policy.

use crate::Case;

pub mod floors;

/// Every case there is, in the order in which the table shows them.
pub fn all() -> Vec<Case> {
    [floors::cases()].concat()
}

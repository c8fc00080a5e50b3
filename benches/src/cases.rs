//! All cases, one file a policy.

use crate::Case;

pub mod floors;
#[cfg(feature = "peers")]
pub mod peers;

/// Every case there is, in the order in which the table shows them.
pub fn all() -> Vec<Case> {
    [
        floors::cases(),
        #[cfg(feature = "peers")]
        peers::cases(),
    ]
    .concat()
}

//! The part of a limit that calls of each priority may use.

use seawall_core::{Check, ConfigError};

use super::Priority;

/// Shares as a builder collects them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares(Vec<(Priority, f64)>);

/// For each priority, the part of the limit that it leaves free, in 65,536ths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headroom([u16; Priority::ALL.len()]);

impl Shares {
    pub(crate) fn set(&mut self, priority: Priority, part: f64) {
        self.0.push((priority, part));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn headroom(&self, check: Check) -> Result<Headroom, ConfigError> {
        let mut headroom = [0; Priority::ALL.len()];
        for (priority, part) in &self.0 {
            headroom[*priority as usize] = left_free(check.rate("priority_share", *part)?);
        }
        for (index, pair) in headroom.windows(2).enumerate() {
            let holds = pair[1] <= pair[0];
            let priority = Priority::ALL[index + 1].as_str();
            check.that(holds, "priority_share", priority, "at least that of lower priorities")?;
        }
        Ok(Headroom(headroom))
    }
}

impl Headroom {
    pub(crate) const fn of(self, priority: Priority) -> u16 {
        self.0[priority as usize]
    }
}

// The part of the limit that `part` leaves free, in 65,536ths.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part is above 0 and at most 1, so the product lies between 0 and 65,536; casts saturate"
)]
fn left_free(part: f64) -> u16 {
    ((1.0 - part) * 65_536.0).ceil() as u16
}

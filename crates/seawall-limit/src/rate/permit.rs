use seawall_core::Settle;

/// The permit of a call that was let in by its rate. A permit that was taken stays taken, so there
/// is nothing to give back.
#[derive(Clone, Copy, Debug)]
pub struct RatePermit(pub(in crate::rate) ());

impl<T, E> Settle<T, E> for RatePermit {}

//! Doubly linked lists over the places of a slab.

/// No place.
pub(super) const NONE: u32 = u32::MAX;

/// The ends of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) head: u32,
    pub(super) tail: u32,
    pub(super) len: usize,
}

impl List {
    pub(super) const EMPTY: Self = Self { head: NONE, tail: NONE, len: 0 };
}

/// What an element knows of its neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    pub(super) list: usize,
    pub(super) prev: u32,
    pub(super) next: u32,
}

impl Links {
    pub(super) const NONE: Self = Self { list: 0, prev: NONE, next: NONE };
}

// SPDX-License-Identifier: GPL-2.0

//! A position in the array.

use super::{
    entry::Entry,
    mapping::DaxMapping, //
};
use kernel_ext::{
    units::PageIndex,
    xarray::Value, //
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(pub(super) u8);

pub(crate) const TAG_DIRTY: Mark = Mark(1);
pub(crate) const TAG_TOWRITE: Mark = Mark(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    Unlocked(Entry),
    Locked(Entry),
    Foreign,
}

impl From<Value> for Present {
    fn from(value: Value) -> Self {
        // SAFETY: The array has values that are entries.
        match unsafe { Entry::decode(value) } {
            (entry, false) => Self::Unlocked(entry),
            (entry, true) => Self::Locked(entry),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Restart,
    /// At the entry that starts here, or at the empty index.
    Walked(usize),
    NoMemory,
}

pub(crate) struct Cursor<'m> {
    pub(super) mapping: &'m DaxMapping,
    pub(super) index: usize,
    pub(super) order: u32,
    pub(super) state: State,
    pub(super) has_memory: bool,
}

impl<'m> Cursor<'m> {
    pub(crate) fn new(mapping: &'m DaxMapping, index: PageIndex, order: u32) -> Self {
        Self {
            mapping,
            index: index.0 >> order << order,
            order,
            state: State::Restart,
            has_memory: false,
        }
    }

    pub(crate) fn mapping(&self) -> &'m DaxMapping {
        self.mapping
    }

    pub(crate) fn index(&self) -> PageIndex {
        PageIndex(self.index)
    }

    pub(crate) fn allocate(&mut self) -> bool {
        let failed = self.state == State::NoMemory;
        if failed {
            self.state = State::Restart;
            self.has_memory = true;
        }
        failed
    }
}

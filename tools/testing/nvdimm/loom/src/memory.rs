// SPDX-License-Identifier: GPL-2.0

//! The memory of entries: that of the file of a model, and what happens when an entry is removed.

use crate::{
    sys::entry::Entry,
    tables::Tables, //
};
use kernel_ext::memremap::{
    Frames,
    Model, //
};

pub(crate) struct Memory<'a> {
    tables: Option<&'a Tables>,
    removed: Option<&'a dyn Fn(Entry)>,
}

impl<'a> Memory<'a> {
    pub(crate) fn of_unknown_device() -> Self {
        Self {
            tables: None,
            removed: None,
        }
    }

    /// The memory of a file.
    pub(crate) fn of_tables(tables: &'a Tables) -> Self {
        Self {
            tables: Some(tables),
            removed: None,
        }
    }

    /// Calls `removed` when an entry is removed, under the i_pages lock.
    pub(crate) fn with_removal(self, removed: &'a dyn Fn(Entry)) -> Self {
        Self {
            removed: Some(removed),
            ..self
        }
    }

    pub(crate) fn frames_from(&mut self, entry: Entry) -> Option<Frames<'_>> {
        Some(self.tables?.frames_from(entry.mapped_pfn()?))
    }

    pub(crate) fn flush(&mut self, entry: Entry) -> bool {
        match (self.tables, entry.mapped_pfn()) {
            (Some(tables), Some(pfn)) => {
                tables.flush(pfn, entry.order().pages());
                true
            }
            _ => false,
        }
    }

    pub(crate) fn removed(&mut self, entry: Entry) {
        if let Some(removed) = self.removed {
            removed(entry);
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! A file with few entries.

use super::{
    cursor::{
        Mark,
        TAG_DIRTY,
        TAG_TOWRITE, //
    },
    guard::Pages,
};
use crate::tables::Tables;
use kernel_ext::{
    memremap::Frames,
    units::PageIndex, //
};
use loom::sync::{
    Mutex,
    MutexGuard, //
};
use std::sync::atomic::{
    AtomicUsize,
    Ordering, //
};

/// Distinguishes files in the keys of waiters. Not of interest to the checker.
static NEXT_ID: AtomicUsize = AtomicUsize::new(1);

/// The pages of a file.
pub(crate) struct DaxMapping {
    pub(super) id: usize,
    i_pages: Mutex<Pages>,
    pub(crate) tables: Tables,
}

impl DaxMapping {
    pub(super) fn lock(&self) -> MutexGuard<'_, Pages> {
        self.i_pages.lock().unwrap()
    }

    /// Has the next `n` stores that need memory fail.
    pub(crate) fn fail_stores(&self, n: usize) {
        self.lock().failures = n;
    }

    /// The count of pages (`nrpages`).
    pub(crate) fn nrpages(&self) -> usize {
        self.lock().nrpages
    }

    pub(crate) fn unmap_pages(&self, start: PageIndex, pages: usize) {
        self.tables.protect(start, pages);
        self.lock().unmapped.push((start, pages));
    }

    /// The ranges that have been unmapped.
    pub(crate) fn unmapped(&self) -> Vec<(PageIndex, usize)> {
        self.lock().unmapped.clone()
    }

    pub(crate) fn lock_mappings(&self) -> Mappings<'_> {
        Mappings(self)
    }

    /// Data that was written is lost. The models have memory that stays.
    pub(crate) fn report_loss(&self) {
        panic!("data is lost");
    }

    /// Tags the dirty entries.
    pub(crate) fn tag_for_writeback(&self, start: PageIndex, last: PageIndex) {
        self.lock().copy_mark(start, last, TAG_DIRTY, TAG_TOWRITE);
    }

    /// Whether an entry covers `index` and has the mark.
    pub(crate) fn has_mark(&self, index: PageIndex, mark: Mark) -> bool {
        self.lock().has_mark(index, mark)
    }
}

impl Default for DaxMapping {
    fn default() -> Self {
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            i_pages: Mutex::new(Pages::default()),
            tables: Tables::default(),
        }
    }
}

pub(crate) struct Mappings<'m>(&'m DaxMapping);

impl Mappings<'_> {
    pub(crate) fn make_clean(&self, index: PageIndex, frames: Frames<'_>) {
        self.0.tables.protect(index, frames.pages());
    }
}

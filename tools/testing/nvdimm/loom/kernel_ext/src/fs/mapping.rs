// SPDX-License-Identifier: GPL-2.0

//! A file with few entries.

pub use crate::units::PageIndex;

use crate::xarray::{
    Mark,
    Pages, //
};
use loom::sync::{
    Mutex,
    MutexGuard, //
};
use std::sync::atomic::{
    AtomicUsize,
    Ordering, //
};

pub const TAG_DIRTY: Mark = Mark(1);
pub const TAG_TOWRITE: Mark = Mark(2);

/// Distinguishes files in the keys of those who wait. Not of interest to the checker.
static NEXT_ID: AtomicUsize = AtomicUsize::new(1);

/// The pages of a file.
pub struct AddressSpace {
    pub(crate) id: usize,
    i_pages: Mutex<Pages>,
}

impl AddressSpace {
    /// An empty file.
    pub fn new() -> Self {
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            i_pages: Mutex::new(Pages::default()),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Pages> {
        self.i_pages.lock().unwrap()
    }

    /// Has the next `n` stores that need memory fail.
    pub fn fail_stores(&self, n: usize) {
        self.lock().failures = n;
    }

    /// The count of pages (`nrpages`).
    pub fn nrpages(&self) -> usize {
        self.lock().nrpages
    }

    /// The page tables are part of the models that have some. A downgrade has none to look at.
    pub fn unmap_pages(&self, start: PageIndex, pages: usize) {
        self.lock().unmapped.push((start, pages));
    }

    /// The ranges that have been unmapped.
    pub fn unmapped(&self) -> Vec<(PageIndex, usize)> {
        self.lock().unmapped.clone()
    }

    /// Tags the dirty entries.
    pub fn tag_for_writeback(&self, start: PageIndex, last: PageIndex) {
        self.lock().copy_mark(start, last, TAG_DIRTY, TAG_TOWRITE);
    }

    /// Whether an entry covers `index` and has the mark.
    pub fn has_mark(&self, index: PageIndex, mark: Mark) -> bool {
        self.lock().has_mark(index, mark)
    }
}

impl Default for AddressSpace {
    fn default() -> Self {
        Self::new()
    }
}

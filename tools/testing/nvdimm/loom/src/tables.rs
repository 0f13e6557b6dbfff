// SPDX-License-Identifier: GPL-2.0

//! The page tables that map a file, and its memory.

use kernel_ext::{
    memremap::{
        Frames,
        Model, //
    },
    units::{
        PageIndex,
        Pfn, //
    },
};
use loom::sync::{
    Mutex,
    MutexGuard, //
};
use std::ops::Range;

/// The page frame of the first page.
pub(crate) const FIRST_PFN: usize = 0x400;

/// The pages that have a model of their memory.
pub(crate) const PAGES: usize = 2;

/// One page of storage.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Page {
    /// Some page table lets its process write.
    pub(crate) writable: bool,
    /// The number of writes.
    pub(crate) written: usize,
    /// How many of them are on stable storage.
    pub(crate) stable: usize,
}

#[derive(Default)]
pub(crate) struct Tables(Mutex<[Page; PAGES]>);

impl Tables {
    pub(crate) fn lock(&self) -> MutexGuard<'_, [Page; PAGES]> {
        self.0.lock().unwrap()
    }

    /// The pages with a model among those from `first` on.
    pub(crate) fn range(first: usize, pages: usize) -> Range<usize> {
        first.min(PAGES)..PAGES.min(first.saturating_add(pages))
    }

    /// From now on a write to one of the pages is a fault.
    pub(crate) fn protect(&self, index: PageIndex, pages: usize) {
        for page in &mut self.lock()[Self::range(index.0, pages)] {
            page.writable = false;
        }
    }

    pub(crate) fn frames_from(&self, first: Pfn) -> Frames<'_> {
        Frames::new(first, 1 << 20, self)
    }
}

impl Model for Tables {
    fn flush(&self, first: Pfn, pages: usize) {
        for page in &mut self.lock()[Self::range(first.number() - FIRST_PFN, pages)] {
            page.stable = page.written;
        }
    }
}

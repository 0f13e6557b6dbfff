// SPDX-License-Identifier: GPL-2.0

//! Blocks that have never been written, in a filesystem that is as hasty as ext4: it tells others
//! that a block has data before it has zeroed the block.
//!
//! The locks and marks are those of `fs/dax/new_blocks.rs`.

use crate::{
    slot::{
        grab,
        settle,
        GrabError,
        Slot, //
    },
    sys::{
        entry::Order,
        mapping::DaxMapping, //
    },
    tables::{
        Tables,
        PAGES, //
    },
};
use kernel_ext::units::PageIndex;
use loom::{
    sync::{
        atomic::{
            AtomicBool,
            AtomicUsize,
            Ordering, //
        },
        Mutex, //
    },
    thread, //
};
use std::ops::Range;

/// What a block holds: a word for stores, one for writes.
type Words = [u8; 2];
const OLD: u8 = 9;
const STORE: usize = 0;
const WRITE: usize = 1;

struct Block {
    has_data: AtomicBool,
    words: Mutex<Words>,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            has_data: AtomicBool::new(false),
            words: Mutex::new([OLD; 2]),
        }
    }
}

/// What the filesystem tells of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Hole,
    /// Blocks with data.
    Mapped,
    /// The same, and it was this task that had them zeroed.
    New,
}

/// A file whose blocks have never been written.
#[derive(Default)]
pub(crate) struct NewFile {
    mapping: DaxMapping,
    blocks: [Block; PAGES],
    /// The lock of the inode. That readers share it does not matter to a model with one.
    inode: Mutex<()>,
    /// The mark of writes (`i_dio_count`).
    direct_io: AtomicUsize,
    /// The mark of faults: how many share the `invalidate_lock`.
    faults: AtomicUsize,
    /// The filesystem's own lock (`i_data_sem`).
    data_sem: Mutex<()>,
}

impl NewFile {
    /// Asks the filesystem for the pages; for a write it makes them blocks with data.
    fn ask(&self, pages: Range<usize>, write: bool) -> Extent {
        let blocks = &self.blocks[pages];
        let all_have_data = || blocks.iter().all(|b| b.has_data.load(Ordering::Acquire));
        if all_have_data() {
            return Extent::Mapped;
        }
        if !write {
            return Extent::Hole;
        }
        let _exclusive = self.data_sem.lock().unwrap();
        if all_have_data() {
            return Extent::Mapped;
        }
        for block in blocks {
            if !block.has_data.swap(true, Ordering::AcqRel) {
                *block.words.lock().unwrap() = [0; 2];
            }
        }
        Extent::New
    }

    fn set(&self, page: usize, word: usize) {
        self.blocks[page].words.lock().unwrap()[word] = 1;
    }

    /// A process stores to the page through a mapping, with a fault for an entry of `order`.
    pub(crate) fn store(&self, page: usize, order: Order) {
        let mut order = order;
        loop {
            self.faults.fetch_add(1, Ordering::Relaxed);
            let result = self.fault(page, order);
            self.faults.fetch_sub(1, Ordering::Release);
            match result {
                Ok(true) => break,
                // The fault is tried again.
                Ok(false) => thread::yield_now(),
                Err(GrabError::Fallback) => order = Order::Pte,
                Err(error) => panic!("{error:?}"),
            }
        }
        self.set(page, STORE);
    }

    /// Returns whether the page is mapped.
    fn fault(&self, page: usize, order: Order) -> Result<bool, GrabError> {
        let mut slot = Slot::new(&self.mapping, PageIndex(page), order);
        let locked = grab(&mut slot, order)?;
        let pages = Tables::range(locked.index().0, locked.entry().order().pages());
        let extent = self.ask(pages, true);
        Ok(extent == Extent::New || self.direct_io.load(Ordering::Acquire) == 0)
    }

    /// write(2)
    pub(crate) fn write(&self, page: usize) {
        let _exclusive = self.inode.lock().unwrap();
        self.direct_io.fetch_add(1, Ordering::Relaxed);
        let extent = self.ask(page..page + 1, true);
        self.direct_io.fetch_sub(1, Ordering::Release);
        self.wait_for_faults(page, extent);
        self.set(page, WRITE);
    }

    /// read(2)
    pub(crate) fn read(&self, page: usize) {
        let _locked = self.inode.lock().unwrap();
        let extent = self.ask(page..page + 1, false);
        if extent == Extent::Hole {
            return;
        }
        self.wait_for_faults(page, extent);
        let words = *self.blocks[page].words.lock().unwrap();
        assert!(!words.contains(&OLD), "a read sees what the block held");
    }

    fn wait_for_faults(&self, page: usize, extent: Extent) {
        if extent != Extent::New && self.faults.load(Ordering::Acquire) != 0 {
            settle(&self.mapping, PageIndex(page), PageIndex(page), false).unwrap();
        }
    }

    /// Whether a store to the page is in its block.
    pub(crate) fn has_store(&self, page: usize) -> bool {
        self.blocks[page].words.lock().unwrap()[STORE] == 1
    }

    /// Whether a write to the page is in its block.
    pub(crate) fn has_write(&self, page: usize) -> bool {
        self.blocks[page].words.lock().unwrap()[WRITE] == 1
    }
}

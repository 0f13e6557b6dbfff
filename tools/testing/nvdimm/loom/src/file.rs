// SPDX-License-Identifier: GPL-2.0

//! A file with memory and page tables, and what tasks do with it: the callers of the lock, at the
//! size that a model checker can take.

use crate::{
    memory::Memory,
    slot::{
        grab,
        GrabError,
        LockedEntry,
        Lookup,
        Slot, //
    },
    sys::{
        cursor::TAG_DIRTY,
        entry::{
            Entry,
            Kind,
            Order,
            Storage,
            Zeros, //
        },
        folio::References,
        mapping::DaxMapping,
    },
    tables::{
        Page,
        Tables,
        FIRST_PFN,
        PAGES, //
    },
};
use kernel_ext::{
    dax::FileDevice,
    units::{
        PageIndex,
        Pfn, //
    },
};
use loom::cell::UnsafeCell;
use std::ops::Range;

/// Touched by each task that holds the lock of the entry of a page, so that loom sees whether two
/// do so at once.
#[derive(Default)]
struct Exclusive(UnsafeCell<usize>);

// SAFETY: Loom panics if it is used by two threads at once.
unsafe impl Sync for Exclusive {}

#[derive(Default)]
pub(crate) struct File {
    pub(crate) mapping: DaxMapping,
    exclusive: [Exclusive; PAGES],
}

impl File {
    /// What everybody does with the entry while it is locked.
    pub(crate) fn touch(&self, locked: &LockedEntry<'_, '_>) {
        self.touch_pages(Self::pages_of(locked.index(), locked.entry()));
    }

    fn touch_pages(&self, pages: Range<usize>) {
        for page in &self.exclusive[pages] {
            // SAFETY: Loom panics if it is used by two threads at once.
            page.0.with_mut(|count| unsafe { *count += 1 });
        }
    }

    /// The pages with a model that the entry, which starts at `index`, covers.
    fn pages_of(index: PageIndex, entry: Entry) -> Range<usize> {
        Tables::range(index.0, entry.order().pages())
    }

    fn storage_for(index: PageIndex, order: Order) -> Storage<'static> {
        // SAFETY: The models have no memory but that of `Tables`.
        unsafe { Storage::new(Pfn::new(FIRST_PFN + order.start(index).0), order) }
    }

    fn memory(&self) -> Memory<'_> {
        Memory::of_tables(&self.mapping.tables)
    }

    /// A fault that maps storage, for a write if `write`.
    pub(crate) fn fault(&self, index: usize, order: Order, write: bool) -> Result<(), GrabError> {
        let index = PageIndex(index);
        let mut slot = Slot::new(&self.mapping, index, order);
        let mut locked = grab(&mut slot, order)?;
        self.touch(&locked);
        let old = locked.entry();
        let mut update = locked.update();
        if !old.is_mapped() {
            let new = Self::storage_for(index, old.order());
            update.replace_by_storage(new, false).unwrap();
        }
        if write {
            update.mark_dirty();
        }
        drop(update);
        if write {
            self.mapping.tables.lock()[index.0].writable = true;
        }
        assert_eq!(
            locked.entry(),
            Entry::mapped(Self::storage_for(index, locked.entry().order()))
        );
        Ok(())
    }

    /// A read fault in a hole.
    pub(crate) fn fault_hole(&self, index: usize, order: Order) -> Result<(), GrabError> {
        let mut slot = Slot::new(&self.mapping, PageIndex(index), order);
        let mut locked = grab(&mut slot, order)?;
        self.touch(&locked);
        let old = locked.entry();
        let mut update = locked.update();
        if !old.is_mapped() {
            // SAFETY: The models have no memory but that of `Tables`.
            let zeros = unsafe { Zeros::new(Pfn::new(1), old.order()) };
            update.replace_by_zeros(zeros).unwrap();
        }
        Ok(())
    }

    /// A process writes to the page, with a fault if it has to. Returns the number of the write.
    pub(crate) fn write(&self, index: usize) -> usize {
        loop {
            {
                let page = &mut self.mapping.tables.lock()[index];
                if page.writable {
                    page.written += 1;
                    return page.written;
                }
            }
            self.fault(index, Order::Pte, true).unwrap();
        }
    }

    /// Whether the write is on stable storage.
    pub(crate) fn is_stable(&self, index: usize, write: usize) -> bool {
        self.mapping.tables.lock()[index].stable >= write
    }

    /// Writes back everything.
    pub(crate) fn fsync(&self) {
        self.mapping
            .tag_for_writeback(PageIndex::ZERO, PageIndex::MAX);
        let mut slot = Slot::new(&self.mapping, PageIndex::ZERO, Order::Pte);
        let mut lock = slot.lock();
        while let Some(entry) = lock.next_towrite(PageIndex::MAX) {
            assert!(entry.entry().is_mapped());
            let mut memory = self.memory();
            let pages = entry.entry().order().pages();
            let Ok(run) = entry.lock_run(PageIndex::MAX, &mut memory) else {
                panic!("the memory stays");
            };
            self.touch_pages(Tables::range(run.index().0, pages * run.len()));
            lock = run.write_protect().flush(FileDevice(&())).clean();
            lock.relax();
        }
    }

    /// A truncation: the page is in no page table, and its data goes away.
    pub(crate) fn truncate(&self, index: usize) -> bool {
        self.mapping.tables.lock()[index] = Page::default();
        let mut slot = Slot::new(&self.mapping, PageIndex(index), Order::Pte);
        let lookup = slot.lock().lookup();
        match lookup {
            Lookup::Found(found) => {
                drop(found.discard(&mut self.memory()));
                true
            }
            Lookup::Absent(_) => false,
            Lookup::Conflict | Lookup::Foreign => panic!("there are only pages"),
        }
    }

    /// An invalidation: the entry goes if it is clean, and then its data must be stable.
    pub(crate) fn invalidate(&self, index: usize) {
        let mut slot = Slot::new(&self.mapping, PageIndex(index), Order::Pte);
        let lookup = slot.lock().lookup();
        if let Lookup::Found(found) = lookup {
            let removed = |_| {
                let page = self.mapping.tables.lock()[index];
                assert!(
                    page.stable == page.written && !page.writable,
                    "{page:?} is lost"
                );
            };
            drop(found.remove_if_clean(&mut self.memory().with_removal(&removed)));
        }
    }

    /// Flushes what is dirty and removes everything, as before the layout of the file changes.
    pub(crate) fn break_layout(&self) {
        let mut slot = Slot::new(&self.mapping, PageIndex::ZERO, Order::Pte);
        let mut lock = slot.lock();
        while let Some(entry) = lock.next(PageIndex::MAX) {
            let mut memory = self.memory();
            lock = if entry.is_dirty() {
                entry
                    .unmap()
                    .flush(&mut memory)
                    .remove(References::None, &mut memory)
            } else {
                entry.discard(&mut memory)
            };
            lock.relax();
        }
    }

    /// Looks at all entries, as the search for busy pages does.
    pub(crate) fn scan(&self) -> usize {
        let mut slot = Slot::new(&self.mapping, PageIndex::ZERO, Order::Pte);
        let mut lock = slot.lock();
        let mut seen = 0;
        while let Some(entry) = lock.next(PageIndex::MAX) {
            seen += 1;
            lock = entry.put();
            lock.relax();
        }
        seen
    }

    /// The end of a synchronous fault: the entry becomes dirty if it is still there.
    pub(crate) fn finish_sync_fault(&self, index: usize) -> bool {
        let mut slot = Slot::new(&self.mapping, PageIndex(index), Order::Pte);
        let lookup = slot.lock().lookup();
        let Lookup::Found(mut found) = lookup else {
            return false;
        };
        found.mark_dirty();
        let locked = found.lock();
        self.touch(&locked);
        self.mapping.tables.lock()[index].writable = true;
        true
    }

    /// Checks, when no task is at work, that data which is not stable has a tag.
    pub(crate) fn check(&self) {
        for (index, page) in self.mapping.tables.lock().iter().enumerate() {
            assert!(
                page.stable == page.written || self.mapping.has_mark(PageIndex(index), TAG_DIRTY),
                "page {index}, {page:?}, is not tagged"
            );
        }
        let counted = {
            let mut slot = Slot::new(&self.mapping, PageIndex::ZERO, Order::Pte);
            let mut lock = slot.lock();
            let mut counted = 0;
            while let Some(entry) = lock.next(PageIndex::MAX) {
                assert_ne!(entry.entry().kind(), Kind::Empty, "a placeholder is left");
                counted += entry.entry().order().pages();
                lock = entry.put();
            }
            counted
        };
        assert_eq!(self.mapping.nrpages(), counted);
    }
}

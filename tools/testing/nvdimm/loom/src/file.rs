// SPDX-License-Identifier: GPL-2.0

//! A file with memory and page tables, and what tasks do with it: the callers of the lock, at the
//! size that a model checker can take.

use crate::{
    entry::{
        Entry,
        Kind,
        Order, //
    },
    slot::{
        grab,
        GrabError,
        LockedEntry,
        Lookup,
        Slot, //
    },
};
use kernel_ext::{
    fs::mapping::{
        AddressSpace,
        PageIndex,
        TAG_DIRTY, //
    },
    units::Pfn,
    xarray::Guard, //
};
use loom::{
    cell::UnsafeCell,
    sync::Mutex, //
};
use std::ops::Range;

/// The page frame of the first page.
const FIRST_PFN: usize = 0x400;

/// What one page of storage is like.
#[derive(Clone, Copy, Debug, Default)]
struct Page {
    /// Some page table lets its process write.
    writable: bool,
    /// The number of writes.
    written: usize,
    /// How many of them are on stable storage.
    stable: usize,
}

/// Touched by whoever holds the lock of the entry of a page, so that loom sees whether two do so at
/// once.
#[derive(Default)]
struct Exclusive(UnsafeCell<usize>);

// SAFETY: Loom panics if it is used by two threads at once.
unsafe impl Sync for Exclusive {}

/// The pages that have a model of their memory.
const PAGES: usize = 2;

#[derive(Default)]
pub(crate) struct File {
    pub(crate) mapping: AddressSpace,
    pages: Mutex<[Page; PAGES]>,
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
        index.0..PAGES.min(index.0 + entry.order().pages())
    }

    fn entry_for(index: PageIndex, order: Order) -> Entry {
        Entry::mapped(order, Pfn::new(FIRST_PFN + order.start(index).0))
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
            let new = Self::entry_for(index, old.order());
            let swap = |old: Entry, _: Entry, _: &Guard<'_, '_>| {
                assert!(!old.is_mapped());
                Ok::<(), ()>(())
            };
            update.replace(new, swap).unwrap();
        }
        if write {
            update.mark_dirty();
        }
        drop(update);
        if write {
            self.pages.lock().unwrap()[index.0].writable = true;
        }
        assert_eq!(
            locked.entry(),
            Self::entry_for(index, locked.entry().order())
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
            let zero = Entry::zero(old.order(), Pfn::new(1));
            update.replace(zero, |_, _, _| Ok::<(), ()>(())).unwrap();
        }
        Ok(())
    }

    /// A process writes to the page, with a fault if it has to. Returns the number of the write.
    pub(crate) fn write(&self, index: usize) -> usize {
        loop {
            {
                let page = &mut self.pages.lock().unwrap()[index];
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
        self.pages.lock().unwrap()[index].stable >= write
    }

    fn protect_and_flush(&self, pages: Range<usize>) {
        for page in &mut self.pages.lock().unwrap()[pages.clone()] {
            page.writable = false;
        }
        for page in &mut self.pages.lock().unwrap()[pages] {
            page.stable = page.written;
        }
    }

    /// Writes back everything.
    pub(crate) fn fsync(&self) {
        self.mapping
            .tag_for_writeback(PageIndex::ZERO, PageIndex::MAX);
        let mut slot = Slot::new(&self.mapping, PageIndex::ZERO, Order::Pte);
        let mut lock = slot.lock();
        while let Some(entry) = lock.next_towrite(PageIndex::MAX) {
            assert!(entry.entry().is_mapped());
            let run = entry.lock_run(PageIndex::MAX, PAGES);
            let pages = run.index().0..PAGES.min(run.index().0 + run.pages());
            self.touch_pages(pages.clone());
            lock = run.flush(|_| self.protect_and_flush(pages)).clean();
            lock.relax();
        }
    }

    /// A truncation: nobody maps the page, and its data goes away.
    pub(crate) fn truncate(&self, index: usize) -> bool {
        self.pages.lock().unwrap()[index] = Page::default();
        let mut slot = Slot::new(&self.mapping, PageIndex(index), Order::Pte);
        let lookup = slot.lock().lookup();
        match lookup {
            Lookup::Found(found) => {
                drop(found.discard(|_, _| ()));
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
            let removed = found.remove_if_clean(|_, _| {
                let page = self.pages.lock().unwrap()[index];
                assert!(
                    page.stable == page.written && !page.writable,
                    "{page:?} is lost"
                );
            });
            drop(removed);
        }
    }

    /// Flushes what is dirty and removes everything, as before the layout of the file changes.
    pub(crate) fn break_layout(&self) {
        let mut slot = Slot::new(&self.mapping, PageIndex::ZERO, Order::Pte);
        let mut lock = slot.lock();
        while let Some(entry) = lock.next(PageIndex::MAX) {
            lock = if entry.is_dirty() {
                entry
                    .lock()
                    .flush(|_, index, entry| {
                        self.protect_and_flush(Self::pages_of(index, entry));
                        Ok::<(), ()>(())
                    })
                    .unwrap()
                    .remove(|_, _| ())
            } else {
                entry.discard(|_, _| ())
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
        self.pages.lock().unwrap()[index].writable = true;
        true
    }

    /// What must be true when nobody is at work: no data that is not stable is without a tag.
    pub(crate) fn check(&self) {
        for (index, page) in self.pages.lock().unwrap().iter().enumerate() {
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

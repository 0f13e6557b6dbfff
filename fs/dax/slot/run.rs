// SPDX-License-Identifier: GPL-2.0

//! Runs of locked entries: neighbours in the file and in memory, which writeback cleans together.
//!
//! To clean an entry costs a walk over all mappings of the file, whatever its size. A file that was
//! written page by page has many small entries that follow each other in memory too.
//!
//! Nobody else locks more than one entry. To lock several cannot be waited for in a circle: those
//! after the first are locked only if nobody has them locked, and whoever has a run waits for no
//! entry.

use super::{
    MappingLock,
    UnlockedEntry, //
};
use crate::entry::{
    Entry,
    Order, //
};
use kernel_ext::{
    fs::mapping::{
        AddressSpace,
        PageIndex,
        TAG_DIRTY,
        TAG_TOWRITE, //
    },
    types::{
        Discharge,
        Duty, //
    },
    units::Pfn,
    wait::Key,
    xarray::{
        Cursor,
        Guard,
        Present, //
    },
};

/// The locks of the entries of a run.
///
/// # Invariants
///
/// The entry `i` places after the first is [`nth(first, i)`](nth), at the page `index + i`, if there
/// are several.
struct Held<'s, 'm> {
    cursor: &'s mut Cursor<'m>,
    index: PageIndex,
    first: Entry,
    len: usize,
}

impl<'s, 'm> Held<'s, 'm> {
    /// Unlocks all entries. `change` is called for each while the cursor is there.
    #[inline]
    fn unlock(self, mut change: impl FnMut(&mut Guard<'_, '_>)) -> MappingLock<'s, 'm> {
        let mapping = self.cursor.mapping();
        let mut guard = self.cursor.lock();
        guard.set_index(self.index);
        for i in 0..self.len {
            let index = PageIndex(self.index.0 + i);
            if i != 0 {
                guard.next(index);
            }
            let entry = nth(self.first, i);
            let old = guard.replace(entry.unlocked());
            debug_assert_eq!(old, Some(Present::Value(entry.locked())));
            change(&mut guard);
            Key::new(mapping, index).wake_next();
        }
        MappingLock(guard)
    }
}

impl Discharge for Held<'_, '_> {
    fn discharge(self) {
        drop(self.unlock(|_| ()));
    }
}

/// The entry `i` places after `first`: of one page like that, with the frame that is so much further.
///
/// If `first` cannot have neighbours in a run, it is `first`.
#[inline]
fn nth(first: Entry, i: usize) -> Entry {
    match (first.order(), first.mapped_pfn()) {
        (Order::Pte, Some(pfn)) => Entry::mapped(Order::Pte, Pfn::new(pfn.number() + i)),
        _ => first,
    }
}

impl<'s, 'm> UnlockedEntry<'s, 'm> {
    /// Locks the entry, and those that follow it in the file and in memory, that writeback has set out
    /// to flush and that nobody has locked; up to the page `last`, and `limit` entries. Releases the
    /// i_pages lock.
    ///
    /// A run has at most 64 entries, which are neighbours in the array as well. A fault may have to
    /// wait until so many pages are flushed.
    #[inline]
    pub(crate) fn lock_run(self, last: PageIndex, limit: usize) -> LockedRun<'s, 'm> {
        let (index, first) = (self.index(), self.entry());
        let mut guard = self.lock_in_place().0;
        let mut len = 1;
        if first.order() == Order::Pte && first.is_mapped() {
            while len < limit && index.0 + len <= last.0 && guard.next_is_marked(TAG_TOWRITE) {
                let next = nth(first, len);
                // One that is locked is another value.
                if guard.next(PageIndex(index.0 + len)) != Some(Present::Value(next.unlocked())) {
                    break;
                }
                guard.replace(next.locked());
                len += 1;
            }
        }
        LockedRun(Duty::new(Held {
            cursor: guard.unlock(),
            index,
            first,
            len,
        }))
    }
}

/// The locks of the entries of a run. No other lock is held.
///
/// All are unlocked, and for each the next one who waits for it is woken, when this is dropped.
#[must_use = "the entries are unlocked immediately when this is unused"]
pub(crate) struct LockedRun<'s, 'm>(Duty<Held<'s, 'm>>);

impl<'s, 'm> LockedRun<'s, 'm> {
    /// The first page.
    #[inline]
    pub(crate) fn index(&self) -> PageIndex {
        self.0.index
    }

    /// The number of entries.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len
    }

    /// The number of pages.
    #[inline]
    pub(crate) fn pages(&self) -> usize {
        self.0.first.order().pages() * self.0.len
    }

    /// The file.
    #[inline]
    pub(crate) fn mapping(&self) -> &'m AddressSpace {
        self.0.cursor.mapping()
    }

    /// Has `flush` write the memory of the entries to stable storage; see
    /// [`LockedEntry::flush`](super::LockedEntry::flush).
    #[inline]
    pub(crate) fn flush(self, flush: impl FnOnce(&Self)) -> FlushedRun<'s, 'm> {
        flush(&self);
        FlushedRun(self)
    }
}

/// A locked run of entries whose memory is on stable storage, and that nobody can write to.
///
/// When dropped, the entries are unlocked and stay dirty.
#[must_use = "the entries are unlocked immediately, and stay dirty, when this is unused"]
pub(crate) struct FlushedRun<'s, 'm>(LockedRun<'s, 'm>);

impl<'s, 'm> FlushedRun<'s, 'm> {
    /// Notes that the memory is clean, unlocks the entries and wakes the next one who waits for each.
    ///
    /// All tags go at once, and only now. So another writeback that has tagged the entries before
    /// finds them locked, waits for the flush, and does not flush again.
    #[inline]
    pub(crate) fn clean(self) -> MappingLock<'s, 'm> {
        self.0 .0.take_over().unlock(|guard| {
            guard.clear_mark(TAG_DIRTY);
            guard.clear_mark(TAG_TOWRITE);
        })
    }
}

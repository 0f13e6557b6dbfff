// SPDX-License-Identifier: GPL-2.0

//! Runs of locked entries: neighbours in the file and in memory, which writeback cleans together.
//!
//! To clean an entry costs a walk over all mappings of the file, whatever its size. A file that was
//! written page by page has many small entries that follow each other in memory too.
//!
//! All other tasks lock one entry at a time. Writeback locks those after the first of a run only if
//! they are not locked, and a task that has a run waits for no entry. So no circle of waits can
//! arise.

use super::{
    lock::MappingLock,
    unlocked::UnlockedEntry, //
};
use crate::{
    memory::Memory,
    sys::{
        cursor::{
            Cursor,
            Present,
            TAG_DIRTY,
            TAG_TOWRITE, //
        },
        entry::{
            Entry,
            Order, //
        },
        guard::Guard,
        mapping::DaxMapping,
        wait::Key,
    },
};
use kernel_ext::{
    dax::FileDevice,
    memremap::Frames,
    types::{
        Discharge,
        Duty, //
    },
    units::PageIndex, //
};

/// The locks of the entries of a run.
///
/// # Invariants
///
/// The task has the locks of `len` entries, the first of which is `first`, at the page `index`. If
/// there are several, each is of one page, which follows that of the one before in the file and in
/// memory.
pub(super) struct HeldRun<'s, 'm> {
    cursor: &'s mut Cursor<'m>,
    pub(super) index: PageIndex,
    first: Entry,
    pub(super) len: usize,
}

impl<'s, 'm> HeldRun<'s, 'm> {
    /// Unlocks all entries. `change` is called for each while the cursor is there.
    #[inline]
    fn unlock(self, mut change: impl FnMut(&mut Guard<'_, '_>)) -> MappingLock<'s, 'm> {
        let mapping = self.cursor.mapping();
        let mut guard = self.cursor.lock();
        guard.set_index(self.index);
        for i in 0..self.len {
            let index = self.index.plus(i);
            if i != 0 {
                guard.next(index);
            }
            guard.unlock_present();
            change(&mut guard);
            Key::new(mapping, index).wake_next();
        }
        MappingLock(guard)
    }

    /// Takes the tags away and unlocks all entries.
    #[inline]
    pub(super) fn clean(self) -> MappingLock<'s, 'm> {
        self.unlock(|guard| {
            guard.clear_mark(TAG_DIRTY);
            guard.clear_mark(TAG_TOWRITE);
        })
    }

    /// The number of pages.
    #[inline]
    pub(super) fn pages(&self) -> usize {
        self.first.order().pages() * self.len
    }
}

impl Discharge for HeldRun<'_, '_> {
    fn discharge(self) {
        drop(self.unlock(|_| ()));
    }
}

impl<'s, 'm> UnlockedEntry<'s, 'm> {
    /// Locks the entry, and those that follow it in the file and in memory, that writeback has set
    /// out to flush and that are not locked; up to the page `last`, and to the end of the memory.
    /// Releases the i_pages lock.
    ///
    /// Gives the entry back if it is no storage, or if `memory` does not find its memory.
    ///
    /// A run has at most 64 entries, which are neighbours in the array as well. A fault may have to
    /// wait until so many pages are flushed.
    #[inline]
    pub(crate) fn lock_run<'f>(
        self,
        last: PageIndex,
        memory: &'f mut Memory<'_>,
    ) -> Result<LockedRun<'s, 'm, 'f>, Self> {
        let Some(frames) = memory.frames_from(self.entry()) else {
            return Err(self);
        };
        let held = self.lock_neighbours(last, frames.pages());
        // INVARIANT: The frames begin with those of the first entry. The run has no more pages than
        // there are frames.
        let frames = frames.up_to(held.pages());
        Ok(LockedRun { held, frames })
    }

    /// As [`UnlockedEntry::lock_run`], for at most `limit` entries of one page.
    #[inline]
    pub(super) fn lock_neighbours(self, last: PageIndex, limit: usize) -> Duty<HeldRun<'s, 'm>> {
        let (index, first) = (self.index(), self.entry());
        let (lock, held) = self.lock_in_place();
        held.keep();
        let mut guard = lock.0;
        let mut len = 1;
        if first.order() == Order::Pte && first.is_mapped() {
            while len < limit && index.plus(len) <= last && guard.next_is_marked(TAG_TOWRITE) {
                match guard.next(index.plus(len)) {
                    Some(Present::Unlocked(next)) if next.follows(first, len) => {
                        guard.lock_entry(next).keep();
                    }
                    _ => break,
                }
                len += 1;
            }
        }
        // INVARIANT: Each of them has been locked above, after it was found to follow the one
        // before.
        Duty::new(HeldRun {
            cursor: guard.unlock(),
            index,
            first,
            len,
        })
    }
}

/// The locks of the entries of a run. No other lock is held.
///
/// All are unlocked, and for each the next task that waits for it is woken, when this is dropped.
///
/// # Invariants
///
/// `frames` are the memory of all of the entries.
#[must_use = "the entries are unlocked immediately when this is unused"]
pub(crate) struct LockedRun<'s, 'm, 'f> {
    held: Duty<HeldRun<'s, 'm>>,
    frames: Frames<'f>,
}

impl<'s, 'm, 'f> LockedRun<'s, 'm, 'f> {
    /// The first page.
    #[inline]
    pub(crate) fn index(&self) -> PageIndex {
        self.held.index
    }

    /// The number of entries.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.held.len
    }

    /// The file.
    #[inline]
    pub(crate) fn mapping(&self) -> &'m DaxMapping {
        self.held.cursor.mapping()
    }

    /// Write-protects the pages of the entries in all page tables: the next store to each faults,
    /// and the fault waits for the lock of the entry. Sleeps.
    #[inline]
    pub(crate) fn write_protect(self) -> ProtectedRun<'s, 'm, 'f> {
        self.mapping()
            .lock_mappings()
            .make_clean(self.held.index, self.frames);
        ProtectedRun(self)
    }
}

/// A locked run of entries to whose memory no task can store by a mapping of the file.
///
/// When dropped, the entries are unlocked and stay dirty.
#[must_use = "the entries are unlocked immediately when this is unused"]
pub(crate) struct ProtectedRun<'s, 'm, 'f>(LockedRun<'s, 'm, 'f>);

impl<'s, 'm, 'f> ProtectedRun<'s, 'm, 'f> {
    /// Writes back what the CPU caches hold of the memory, if `device`, which it belongs to, wants
    /// that.
    #[inline]
    pub(crate) fn flush(self, device: FileDevice<'_>) -> FlushedRun<'s, 'm, 'f> {
        device.flush(self.0.frames);
        FlushedRun(self.0)
    }
}

/// A locked run of entries whose memory is on stable storage, and to which no task can store by a
/// mapping of the file.
///
/// When dropped, the entries are unlocked and stay dirty.
#[must_use = "the entries are unlocked immediately, and stay dirty, when this is unused"]
pub(crate) struct FlushedRun<'s, 'm, 'f>(LockedRun<'s, 'm, 'f>);

impl<'s, 'm> FlushedRun<'s, 'm, '_> {
    /// Notes that the memory is clean, unlocks the entries and wakes the next task that waits for
    /// each.
    ///
    /// All tags go at once, and only now. So another writeback that has tagged the entries before
    /// finds them locked, waits for the flush, and does not flush again.
    #[inline]
    pub(crate) fn clean(self) -> MappingLock<'s, 'm> {
        self.0.held.take_over().clean()
    }
}

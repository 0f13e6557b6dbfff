// SPDX-License-Identifier: GPL-2.0

//! Entries that were found under the i_pages lock.

use super::{
    lock::MappingLock,
    locked::LockedEntry,
    unmapped::Unmapped, //
};
use crate::{
    memory::Memory,
    sys::{
        cursor::{
            TAG_DIRTY,
            TAG_TOWRITE, //
        },
        entry::Entry,
        folio::References,
        lock::EntryLock,
        mapping::DaxMapping,
        wait::{
            self,
            Key, //
        },
    },
};
use kernel_ext::{
    types::{
        Discharge,
        Duty, //
    },
    units::PageIndex,
};

/// The duty to wake the next task that waits for an entry.
struct WakeNext(Key);

impl Discharge for WakeNext {
    #[inline]
    fn discharge(self) {
        self.0.wake_next();
    }
}

/// An entry that is not locked. The i_pages lock is held, so it stays like that.
///
/// The task that found it may have been woken for it. So the next one is woken when this is
/// dropped, and the i_pages lock is released.
#[must_use = "the next waiter is woken immediately when this is unused"]
pub(crate) struct UnlockedEntry<'s, 'm> {
    // Dropped in this order: others are woken under the lock.
    wake: Duty<WakeNext>,
    lock: MappingLock<'s, 'm>,
    entry: Entry,
}

impl<'s, 'm> UnlockedEntry<'s, 'm> {
    /// `entry`, which is at the slot.
    #[inline]
    pub(super) fn new(lock: MappingLock<'s, 'm>, entry: Entry) -> Self {
        Self {
            wake: Duty::new(WakeNext(lock.key(entry))),
            lock,
            entry,
        }
    }

    /// The entry.
    #[inline]
    pub(crate) fn entry(&self) -> Entry {
        self.entry
    }

    /// The first page that the entry covers.
    #[inline]
    pub(crate) fn index(&self) -> PageIndex {
        self.entry.order().start(self.lock.position())
    }

    /// The file.
    #[inline]
    pub(crate) fn mapping(&self) -> &'m DaxMapping {
        self.lock.mapping()
    }

    /// Whether the memory may have been written since it was last flushed.
    #[inline]
    pub(crate) fn is_dirty(&self) -> bool {
        self.lock.0.has_mark(TAG_DIRTY) || self.is_towrite()
    }

    /// Whether a writeback has set out to flush the memory, and it has not been flushed yet.
    #[inline]
    pub(crate) fn is_towrite(&self) -> bool {
        self.lock.0.has_mark(TAG_TOWRITE)
    }

    /// Notes that the memory is about to be written.
    ///
    /// For a caller that locks the entry next, since the entry must not be unlocked again before
    /// its memory is mapped writable.
    #[inline]
    pub(crate) fn mark_dirty(&mut self) {
        self.lock.0.set_mark(TAG_DIRTY);
    }

    /// Leaves the entry as it is, and wakes the next task that waits for it.
    #[inline]
    pub(crate) fn put(self) -> MappingLock<'s, 'm> {
        self.lock
    }

    /// Locks the entry and releases the i_pages lock.
    #[inline]
    pub(crate) fn lock(self) -> LockedEntry<'s, 'm> {
        let (lock, held) = self.lock_in_place();
        LockedEntry::new(lock.0.unlock(), held)
    }

    /// Locks the entry, and keeps the i_pages lock. The task that unlocks the entry wakes the next
    /// one.
    #[inline]
    pub(super) fn lock_in_place(self) -> (MappingLock<'s, 'm>, EntryLock) {
        self.wake.take_over();
        let mut lock = self.lock;
        let held = lock.0.lock_entry(self.entry);
        (lock, held)
    }

    /// Locks the entry, releases the i_pages lock, and takes the pages of the entry out of all page
    /// tables. Sleeps.
    pub(crate) fn unmap(self) -> Unmapped<'s, 'm> {
        // Only a task that has the lock of an entry may tag it, so this stays true.
        let dirty = self.is_dirty();
        self.lock().unmap_with(dirty)
    }

    /// Removes the entry, although its memory may be dirty: for data that goes away with it, by
    /// truncation, by a hole punched, or with the inode. Wakes all tasks that wait for it.
    ///
    /// There must be no references to its memory, if `memory` finds it still there.
    #[inline]
    pub(crate) fn discard(mut self, memory: &mut Memory<'_>) -> MappingLock<'s, 'm> {
        self.lock.remove(References::None, memory);
        // All have been woken.
        self.wake.take_over();
        self.lock
    }

    /// Removes the entry like [`UnlockedEntry::discard`], unless it is dirty: then it is given
    /// back.
    #[inline]
    pub(crate) fn remove_if_clean(
        self,
        memory: &mut Memory<'_>,
    ) -> Result<MappingLock<'s, 'm>, Self> {
        if self.is_dirty() {
            Err(self)
        } else {
            Ok(self.discard(memory))
        }
    }
}

/// An entry that a task has locked, seen under the i_pages lock, which is held.
#[must_use = "the lock is released immediately when this is unused"]
pub(crate) struct BusyEntry<'s, 'm> {
    lock: MappingLock<'s, 'm>,
    entry: Entry,
}

impl<'s, 'm> BusyEntry<'s, 'm> {
    #[inline]
    pub(super) fn new(lock: MappingLock<'s, 'm>, entry: Entry) -> Self {
        Self { lock, entry }
    }

    /// Sleeps until the entry is unlocked, and takes the i_pages lock again.
    pub(super) fn wait(self) -> MappingLock<'s, 'm> {
        self.lock.wait(self.entry)
    }

    /// Sleeps until the entry is unlocked or gone, and leaves it as it is then.
    pub(super) fn settle(self) -> MappingLock<'s, 'm> {
        match self.wait().settled() {
            Ok(found) => found.put(),
            Err(lock) => lock,
        }
    }

    /// Sleeps until the entry is unlocked.
    ///
    /// Only the i_pages lock keeps the address space: it may be freed once the lock is released, so
    /// the caller has to find it again. `unlocked` runs in between, before the task sleeps: there
    /// the caller leaves its RCU read section.
    ///
    /// The wait is not exclusive, because the caller may not come back for the entry and so cannot
    /// be the one to wake the next.
    pub(crate) fn wait_and_release(self, unlocked: impl FnOnce()) {
        let start = self.entry.order().start(self.lock.position());
        wait::release_and_sleep(self.lock.0, start, unlocked);
    }
}

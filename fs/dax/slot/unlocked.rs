// SPDX-License-Identifier: GPL-2.0

//! Entries that have been found under the i_pages lock.

use super::{
    LockedEntry,
    MappingLock, //
};
use crate::entry::Entry;
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
    wait::{
        self,
        Key, //
    },
    xarray::{
        Guard,
        Present, //
    }, //
};

/// The duty to wake the next one who waits for an entry.
struct WakeNext(Key);

impl Discharge for WakeNext {
    #[inline]
    fn discharge(self) {
        self.0.wake_next();
    }
}

/// An entry that nobody has locked. The i_pages lock is held, so it stays like that.
///
/// Whoever looks for an entry may have been woken for it, so the next one is woken when this is
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
    pub(crate) fn mapping(&self) -> &'m AddressSpace {
        self.lock.mapping()
    }

    /// Whether the memory may have been written and not flushed since.
    #[inline]
    pub(crate) fn is_dirty(&self) -> bool {
        self.lock.0.has_mark(TAG_DIRTY) || self.is_towrite()
    }

    /// Whether a writeback has set out to flush the memory, and nobody has done it yet.
    #[inline]
    pub(crate) fn is_towrite(&self) -> bool {
        self.lock.0.has_mark(TAG_TOWRITE)
    }

    /// Notes that the memory is about to be written.
    ///
    /// What makes the memory writable has to come before the entry is unlocked again, so this is
    /// for a caller that locks it next.
    #[inline]
    pub(crate) fn mark_dirty(&mut self) {
        self.lock.0.set_mark(TAG_DIRTY);
    }

    /// Leaves the entry as it is, and wakes the next one who waits for it.
    #[inline]
    pub(crate) fn put(self) -> MappingLock<'s, 'm> {
        self.lock
    }

    /// Locks the entry and releases the i_pages lock.
    #[inline]
    pub(crate) fn lock(self) -> LockedEntry<'s, 'm> {
        let entry = self.entry;
        LockedEntry::new(self.lock_in_place().0.unlock(), entry)
    }

    /// Locks the entry, and keeps the i_pages lock. Who unlocks the entry wakes the next one.
    #[inline]
    pub(super) fn lock_in_place(self) -> MappingLock<'s, 'm> {
        self.wake.take_over();
        let mut lock = self.lock;
        let old = lock.0.replace(self.entry.locked());
        debug_assert_eq!(old, Some(Present::Value(self.entry.unlocked())));
        lock
    }

    /// Removes the entry, although its memory may be dirty: for data that goes away with it, by
    /// truncation, by a hole punched, or with the inode. Wakes all who wait for it.
    ///
    /// `release` gives up what the entry has of its memory, under the lock.
    #[inline]
    pub(crate) fn discard(
        mut self,
        release: impl FnOnce(Entry, &Guard<'_, '_>),
    ) -> MappingLock<'s, 'm> {
        release(self.entry, &self.lock.0);
        self.lock.remove(self.entry);
        // All have been woken.
        self.wake.take_over();
        self.lock
    }

    /// Removes the entry like [`UnlockedEntry::discard`], unless it is dirty: then it is given back.
    #[inline]
    pub(crate) fn remove_if_clean(
        self,
        release: impl FnOnce(Entry, &Guard<'_, '_>),
    ) -> Result<MappingLock<'s, 'm>, Self> {
        if self.is_dirty() {
            Err(self)
        } else {
            Ok(self.discard(release))
        }
    }
}

/// An entry that somebody has locked, seen under the i_pages lock, which is held.
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

    /// Sleeps until the entry is unlocked.
    ///
    /// Only the i_pages lock keeps the address space: it may be freed once the lock is released, so
    /// the caller has to find it again. `unlocked` runs in between, before the task sleeps: there the
    /// caller leaves the RCU read side.
    ///
    /// The wait is not exclusive. Who may not come back for the entry cannot be the one who is to wake
    /// the next.
    pub(crate) fn wait_and_release(self, unlocked: impl FnOnce()) {
        let start = self.entry.order().start(self.lock.position());
        wait::release_and_sleep(self.lock.0, start, unlocked);
    }
}

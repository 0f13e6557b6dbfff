// SPDX-License-Identifier: GPL-2.0

//! Entries that are locked.

use super::lock::{
    MappingLock,
    Slot, //
};
use crate::sys::{
    cursor::{
        Cursor,
        TAG_DIRTY,
        TAG_TOWRITE, //
    },
    entry::{
        Entry,
        Storage,
        Zeros, //
    },
    guard::{
        Guard,
        NotReplaced, //
    },
    lock::EntryLock,
    mapping::DaxMapping,
    wait::Key,
};
use kernel_ext::{
    types::{
        Discharge,
        Duty, //
    },
    units::PageIndex,
};

/// The lock of the entry that is at the cursor.
pub(super) struct HeldEntry<'s, 'm> {
    pub(super) cursor: &'s mut Cursor<'m>,
    lock: EntryLock,
}

impl<'s, 'm> HeldEntry<'s, 'm> {
    #[inline]
    fn start(&self) -> PageIndex {
        self.lock.entry().order().start(self.cursor.index())
    }

    /// Takes the i_pages lock and unlocks the entry under it. The caller wakes the next waiter.
    #[inline]
    fn unlock(self) -> (MappingLock<'s, 'm>, Key) {
        let key = Key::new(self.cursor.mapping(), self.start());
        let mut guard = self.cursor.lock();
        guard.unlock_entry(self.lock);
        (MappingLock(guard), key)
    }
}

impl Discharge for HeldEntry<'_, '_> {
    #[inline]
    fn discharge(self) {
        let (lock, key) = self.unlock();
        drop(lock);
        // Tasks that have seen the entry locked are in the queue by now. The next one is woken
        // without the i_pages lock, which it wants first.
        key.wake_next();
    }
}

/// The lock of an entry. No other lock is held.
///
/// The entry is unlocked, and the next task that waits for it woken, when this is dropped.
#[must_use = "the entry is unlocked immediately when this is unused"]
pub(crate) struct LockedEntry<'s, 'm>(pub(super) Duty<HeldEntry<'s, 'm>>);

impl<'s, 'm> LockedEntry<'s, 'm> {
    /// The entry at the cursor, with its lock.
    #[inline]
    pub(super) fn new(cursor: &'s mut Cursor<'m>, lock: EntryLock) -> Self {
        Self(Duty::new(HeldEntry { cursor, lock }))
    }

    /// The entry of the slot, with the lock that [`LockedEntry::keep_locked`] left.
    #[inline]
    pub(crate) fn adopt(slot: &'s mut Slot<'m>, lock: EntryLock) -> Self {
        Self::new(&mut slot.0, lock)
    }

    /// The entry.
    #[inline]
    pub(crate) fn entry(&self) -> Entry {
        self.0.lock.entry()
    }

    /// The first page that the entry covers.
    #[inline]
    pub(crate) fn index(&self) -> PageIndex {
        self.0.start()
    }

    /// The file.
    #[inline]
    pub(crate) fn mapping(&self) -> &'m DaxMapping {
        self.0.cursor.mapping()
    }

    /// Takes the i_pages lock too, to change the entry. Until it is released, all changes are one.
    #[inline]
    pub(crate) fn update(&mut self) -> Update<'_, 'm> {
        let held = &mut *self.0;
        Update {
            guard: held.cursor.lock(),
            lock: &mut held.lock,
            walked: false,
        }
    }

    /// Leaves the entry locked, and hands its lock to the caller: for C to keep.
    #[inline]
    pub(crate) fn keep_locked(self) -> EntryLock {
        self.0.take_over().lock
    }

    /// Unlocks the entry, and wakes the next task that waits for it. The i_pages lock is held
    /// afterwards.
    pub(super) fn put(self) -> MappingLock<'s, 'm> {
        let (lock, key) = self.0.take_over().unlock();
        key.wake_next();
        lock
    }
}

/// A locked entry and the i_pages lock, which is released when this is dropped.
#[must_use = "the i_pages lock is released immediately when this is unused"]
pub(crate) struct Update<'u, 'm> {
    pub(super) guard: Guard<'u, 'm>,
    pub(super) lock: &'u mut EntryLock,
    walked: bool,
}

impl Update<'_, '_> {
    /// Puts `storage` in the place of the entry, which stays locked, and keeps its tags.
    ///
    /// `shared` says that the filesystem lets several files have the memory. If the old entry has
    /// more than one page, its memory is not in use.
    #[inline]
    pub(crate) fn replace_by_storage(
        &mut self,
        storage: Storage<'_>,
        shared: bool,
    ) -> Result<(), NotReplaced> {
        self.guard.replace_by_storage(self.lock, storage, shared)?;
        self.walked = true;
        Ok(())
    }

    /// Puts a hole in the place of the entry, which is no storage, and stays locked.
    #[inline]
    pub(crate) fn replace_by_zeros(&mut self, zeros: Zeros) -> Result<(), NotReplaced> {
        self.guard.replace_by_zeros(self.lock, zeros)?;
        self.walked = true;
        Ok(())
    }

    /// Notes that the memory is about to be written.
    #[inline]
    pub(crate) fn mark_dirty(&mut self) {
        self.walk();
        self.guard.set_mark(TAG_DIRTY);
    }

    /// Has the next writeback flush the memory, whether it is tagged as dirty or not.
    #[inline]
    pub(crate) fn mark_towrite(&mut self) {
        self.walk();
        self.guard.set_mark(TAG_TOWRITE);
    }

    #[inline]
    fn walk(&mut self) {
        if !self.walked {
            self.guard.load();
            self.walked = true;
        }
    }
}

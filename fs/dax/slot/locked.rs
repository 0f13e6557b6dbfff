// SPDX-License-Identifier: GPL-2.0

//! Entries that are locked.

use super::MappingLock;
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
    wait::Key,
    xarray::{
        Cursor,
        Guard,
        Present, //
    },
};

/// The lock of the entry that is at the cursor.
pub(super) struct Held<'s, 'm> {
    cursor: &'s mut Cursor<'m>,
    entry: Entry,
}

impl<'s, 'm> Held<'s, 'm> {
    #[inline]
    fn key(&self) -> Key {
        let start = self.entry.order().start(self.cursor.index());
        Key::new(self.cursor.mapping(), start)
    }

    /// Takes the i_pages lock and unlocks the entry under it.
    #[inline]
    fn unlock(self) -> MappingLock<'s, 'm> {
        let mut guard = self.cursor.lock();
        let old = guard.replace(self.entry.unlocked());
        debug_assert_eq!(old, Some(Present::Value(self.entry.locked())));
        MappingLock(guard)
    }
}

impl Discharge for Held<'_, '_> {
    #[inline]
    fn discharge(self) {
        let key = self.key();
        drop(self.unlock());
        // Those who wait have seen the entry locked, so they are in the queue by now. They are woken
        // without the lock, which they want next.
        key.wake_next();
    }
}

/// The lock of an entry. No other lock is held.
///
/// The entry is unlocked, and the next one who waits for it woken, when this is dropped.
#[must_use = "the entry is unlocked immediately when this is unused"]
pub(crate) struct LockedEntry<'s, 'm>(Duty<Held<'s, 'm>>);

impl<'s, 'm> LockedEntry<'s, 'm> {
    /// The lock of `entry`, which is at the cursor and which the caller has locked.
    #[inline]
    pub(super) fn new(cursor: &'s mut Cursor<'m>, entry: Entry) -> Self {
        Self(Duty::new(Held { cursor, entry }))
    }

    /// The entry.
    #[inline]
    pub(crate) fn entry(&self) -> Entry {
        self.0.entry
    }

    /// The first page that the entry covers.
    #[inline]
    pub(crate) fn index(&self) -> PageIndex {
        self.0.entry.order().start(self.0.cursor.index())
    }

    /// The file.
    #[inline]
    pub(crate) fn mapping(&self) -> &'m AddressSpace {
        self.0.cursor.mapping()
    }

    /// Takes the i_pages lock too, to change the entry. Until it is released, all changes are one.
    #[inline]
    pub(crate) fn update(&mut self) -> Update<'_, 'm> {
        let held = &mut *self.0;
        Update {
            guard: held.cursor.lock(),
            entry: &mut held.entry,
            walked: false,
        }
    }

    /// Has `flush` write the memory of the entry to stable storage.
    ///
    /// `flush` must first write-protect all mappings of the pages from the index on, so that
    /// whoever writes after that waits for the lock of the entry; then flush the memory. If it fails the
    /// entry stays dirty.
    #[inline]
    pub(crate) fn flush<E>(
        self,
        flush: impl FnOnce(&'m AddressSpace, PageIndex, Entry) -> Result<(), E>,
    ) -> Result<Flushed<'s, 'm>, E> {
        flush(self.mapping(), self.index(), self.entry())?;
        Ok(Flushed(self))
    }

    /// Leaves the entry locked. [`adopt`](super::adopt) takes the lock up again.
    #[inline]
    pub(crate) fn keep_locked(self) -> Entry {
        self.0.take_over().entry
    }

    /// Removes the entry, and wakes all who wait for it. The i_pages lock is held afterwards.
    #[inline]
    pub(super) fn remove(self, release: impl FnOnce(Entry, &Guard<'_, '_>)) -> MappingLock<'s, 'm> {
        let Held { cursor, entry } = self.0.take_over();
        let mut lock = MappingLock(cursor.lock());
        release(entry, &lock.0);
        let old = lock.remove(entry);
        debug_assert_eq!(old, Some(Present::Value(entry.locked())));
        lock
    }
}

/// A locked entry and the i_pages lock, which is released when this is dropped.
#[must_use = "the i_pages lock is released immediately when this is unused"]
pub(crate) struct Update<'u, 'm> {
    guard: Guard<'u, 'm>,
    entry: &'u mut Entry,
    walked: bool,
}

impl Update<'_, '_> {
    /// Puts `new` in the place of the entry, which stays locked, and keeps its tags.
    ///
    /// `swap`, with the old entry and the new one, moves what they have of their memory. Fails, and
    /// changes nothing, if that does, or if `new` covers another number of pages.
    #[inline]
    pub(crate) fn replace<E>(
        &mut self,
        new: Entry,
        swap: impl FnOnce(Entry, Entry, &Guard<'_, '_>) -> Result<(), E>,
    ) -> Result<(), NotReplaced> {
        if new.order() != self.entry.order() {
            return Err(NotReplaced);
        }
        swap(*self.entry, new, &self.guard).map_err(|_| NotReplaced)?;
        let old = self.guard.replace(new.locked());
        debug_assert_eq!(old, Some(Present::Value(self.entry.locked())));
        *self.entry = new;
        self.walked = true;
        Ok(())
    }

    /// Notes that the memory is about to be written.
    #[inline]
    pub(crate) fn mark_dirty(&mut self) {
        self.walk();
        self.guard.set_mark(TAG_DIRTY);
    }

    /// Has the next writeback flush the memory, be it tagged as dirty or not.
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

/// An entry was to be replaced by one that covers another number of pages, or whose memory cannot be
/// had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotReplaced;

/// A locked entry whose memory is on stable storage, and that nobody can write to: the evidence that
/// is needed to clean it.
///
/// When dropped, the entry is unlocked and stays dirty.
#[must_use = "the entry is unlocked immediately, and stays dirty, when this is unused"]
pub(crate) struct Flushed<'s, 'm>(LockedEntry<'s, 'm>);

impl<'s, 'm> Flushed<'s, 'm> {
    /// Removes the entry, and wakes all who wait for it.
    ///
    /// `release` gives up what the entry has of its memory, under the i_pages lock.
    #[inline]
    pub(crate) fn remove(self, release: impl FnOnce(Entry, &Guard<'_, '_>)) -> MappingLock<'s, 'm> {
        self.0.remove(release)
    }

    /// Leaves the entry as it was, and wakes the next one who waits for it. The i_pages lock is held
    /// afterwards.
    pub(crate) fn put(self) -> MappingLock<'s, 'm> {
        let held = self.0 .0.take_over();
        let key = held.key();
        let lock = held.unlock();
        key.wake_next();
        lock
    }
}

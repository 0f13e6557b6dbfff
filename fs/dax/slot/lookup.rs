// SPDX-License-Identifier: GPL-2.0

//! Finding entries: the one of a slot, or the next of a file.

use super::{
    lock::MappingLock,
    unlocked::{
        BusyEntry,
        UnlockedEntry, //
    },
};
use crate::sys::cursor::{
    Present,
    TAG_TOWRITE, //
};
use kernel_ext::units::PageIndex;

/// The result of a lookup: the entry of a slot, or why there is none.
pub(crate) enum Lookup<'s, 'm> {
    /// No entry.
    Absent(MappingLock<'s, 'm>),
    /// An entry that is smaller than the slot. The lock has been released.
    Conflict,
    /// Something that is not an entry of DAX. The lock has been released.
    Foreign,
    /// An entry that is at least as large as the slot.
    Found(UnlockedEntry<'s, 'm>),
}

/// An entry as it is now, locked or not.
pub(crate) enum Peek<'s, 'm> {
    /// An entry that a task has locked.
    Busy(BusyEntry<'s, 'm>),
    /// An entry that is not locked.
    Found(UnlockedEntry<'s, 'm>),
}

impl<'s, 'm> MappingLock<'s, 'm> {
    /// Looks up the entry of the slot, and waits until it is unlocked if it is large enough.
    ///
    /// Sleeps without the lock; all that was read under it before may have changed afterwards.
    #[inline]
    pub(crate) fn lookup(mut self) -> Lookup<'s, 'm> {
        loop {
            let (entry, locked) = match self.0.find_conflict() {
                None => return Lookup::Absent(self),
                Some(Present::Foreign) => return Lookup::Foreign,
                Some(Present::Unlocked(entry)) => (entry, false),
                Some(Present::Locked(entry)) => (entry, true),
            };
            if entry.order().log2() < self.0.order() {
                return Lookup::Conflict;
            }
            if !locked {
                return Lookup::Found(UnlockedEntry::new(self, entry));
            }
            self = self.wait(entry);
        }
    }

    /// The entry that the slot has now, without waiting; gives back the lock if there is none. The
    /// order of the slot does not matter.
    #[inline]
    pub(crate) fn peek(mut self) -> Result<Peek<'s, 'm>, Self> {
        match self.0.load() {
            Some(Present::Unlocked(entry)) => Ok(Peek::Found(UnlockedEntry::new(self, entry))),
            Some(Present::Locked(entry)) => Ok(Peek::Busy(BusyEntry::new(self, entry))),
            None | Some(Present::Foreign) => Err(self),
        }
    }

    /// The next entry up to the page `last`, once it is unlocked: at first the one at the slot,
    /// then the one after that. [`None`], and the lock is released, if there is none.
    ///
    /// The methods of the entry give the lock back, with which the walk goes on:
    ///
    /// ```ignore
    /// let mut lock = slot.lock();
    /// while let Some(entry) = lock.next(last) {
    ///     // look at the entry
    ///     lock = entry.put();
    ///     lock.relax();
    /// }
    /// ```
    ///
    /// Sleeps without the lock, as [`MappingLock::lookup`] does.
    #[inline]
    pub(crate) fn next(mut self, last: PageIndex) -> Option<UnlockedEntry<'s, 'm>> {
        loop {
            let entry = match self.0.next(last)? {
                Present::Unlocked(entry) => return Some(UnlockedEntry::new(self, entry)),
                Present::Locked(entry) => entry,
                // The walk passes it by.
                Present::Foreign => continue,
            };
            match self.wait(entry).settled() {
                Ok(found) => return Some(found),
                Err(lock) => self = lock,
            }
        }
    }

    /// Like [`MappingLock::next`], but the entry is as it is now, without waiting.
    #[inline]
    pub(crate) fn peek_next(mut self, last: PageIndex) -> Option<Peek<'s, 'm>> {
        loop {
            match self.0.next(last)? {
                Present::Unlocked(entry) => {
                    return Some(Peek::Found(UnlockedEntry::new(self, entry)))
                }
                Present::Locked(entry) => return Some(Peek::Busy(BusyEntry::new(self, entry))),
                // The walk passes it by.
                Present::Foreign => (),
            }
        }
    }

    /// Like [`MappingLock::next`], of the entries that a writeback has tagged
    /// ([`AddressSpace::tag_for_writeback`]) and that have not been cleaned since.
    ///
    /// [`AddressSpace::tag_for_writeback`]: kernel_ext::fs::mapping::AddressSpace::tag_for_writeback
    #[inline]
    pub(crate) fn next_towrite(mut self, last: PageIndex) -> Option<UnlockedEntry<'s, 'm>> {
        loop {
            let entry = match self.0.next_marked(last, TAG_TOWRITE)? {
                Present::Unlocked(entry) => return Some(UnlockedEntry::new(self, entry)),
                Present::Locked(entry) => entry,
                Present::Foreign => continue,
            };
            match self.wait(entry).settled() {
                Ok(found) if found.is_towrite() => return Some(found),
                // The task that had it locked has flushed it. The wake-up is passed on.
                Ok(found) => self = found.put(),
                Err(lock) => self = lock,
            }
        }
    }

    /// Waits for the entry to become unlocked or to go away; looks at the page of the slot until
    /// then. Gives back the lock if there is no entry any more.
    #[cold]
    pub(super) fn settled(mut self) -> Result<UnlockedEntry<'s, 'm>, Self> {
        loop {
            match self.peek()? {
                Peek::Found(found) => return Ok(found),
                Peek::Busy(busy) => self = busy.wait(),
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Entries in their slots, and the lock of an entry.
//!
//! Each entry of a file has a lock: a bit of its own, which faults and writeback hold while they
//! sleep. The bit is looked at and changed under the lock of the array, `i_pages`, and so are the
//! tags and everything that must agree with an entry. What a task holds is in the types:
//!
//! ```text
//! Slot            nothing
//! MappingLock     the i_pages lock, interrupts off
//! UnlockedEntry   the i_pages lock, and has found an entry that nobody has locked
//! LockedEntry     the lock of an entry
//! LockedRun       the locks of several, for writeback
//! Update          the lock of an entry and the i_pages lock, to change the entry
//! Flushed         the lock of an entry whose memory is on stable storage
//! ```
//!
//! Each is given up when dropped. They borrow the slot, which is on the stack of the caller, one
//! after the other: what takes `self` passes on what it holds.
//!
//! # Nobody sleeps for ever
//!
//! Those who wait for a locked entry are woken one at a time, because only one of them can lock it.
//! One that has been woken and does not lock the entry has to wake the next one, so
//! [`UnlockedEntry`] does that when it is dropped, and so does whatever unlocks an entry. An entry
//! that is removed, or makes room for entries of another order, wakes all: there is nothing left
//! for them to pass on.

mod ffi;
mod grab;
mod locked;
mod run;
mod unlocked;

#[cfg(CONFIG_KUNIT = "y")]
mod test;

pub(crate) use ffi::adopt;
pub(crate) use grab::{
    grab,
    GrabError, //
};
pub(crate) use locked::{
    LockedEntry,
    NotReplaced, //
};
pub(crate) use unlocked::{
    BusyEntry,
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
        TAG_TOWRITE, //
    },
    wait::{
        self,
        Key, //
    },
    xarray::{
        Cursor,
        Guard,
        Present, //
    },
};

/// A place in a file, where there may be an entry. No lock is held.
pub(crate) struct Slot<'m>(Cursor<'m>);

impl<'m> Slot<'m> {
    /// The place for an entry of `order` that covers the page `index`; also where a walk over the
    /// entries of a file begins.
    #[inline]
    pub(crate) fn new(mapping: &'m AddressSpace, index: PageIndex, order: Order) -> Self {
        Self(Cursor::new(mapping, index, order.log2()))
    }

    /// Takes the i_pages lock.
    #[inline]
    pub(crate) fn lock<'s>(&'s mut self) -> MappingLock<'s, 'm> {
        MappingLock(self.0.lock())
    }

    /// Where the slot is: a page of the entry of the last lookup, or where a walk has come to.
    #[inline]
    pub(crate) fn position(&self) -> PageIndex {
        self.0.index()
    }
}

/// The i_pages lock is held and interrupts are off; both end when this is dropped.
#[must_use = "the lock is released immediately when this is unused"]
pub(crate) struct MappingLock<'s, 'm>(Guard<'s, 'm>);

/// What there is for a slot.
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

/// What there is for a slot now, locked or not.
pub(crate) enum Peek<'s, 'm> {
    /// No entry.
    Absent(MappingLock<'s, 'm>),
    /// An entry that somebody has locked.
    Busy(BusyEntry<'s, 'm>),
    /// An entry that nobody has locked.
    Found(UnlockedEntry<'s, 'm>),
}

impl<'s, 'm> MappingLock<'s, 'm> {
    /// The file.
    #[inline]
    pub(crate) fn mapping(&self) -> &'m AddressSpace {
        self.0.mapping()
    }

    /// Where the slot is; see [`Slot::position`].
    #[inline]
    pub(crate) fn position(&self) -> PageIndex {
        self.0.index()
    }

    /// Moves the slot to another page of the file.
    #[inline]
    pub(crate) fn set_index(&mut self, index: PageIndex) {
        self.0.set_index(index);
    }

    /// Looks up the entry of the slot, and waits until it is unlocked if it is large enough.
    ///
    /// Sleeps without the lock; what has been read under it may be different afterwards.
    #[inline]
    pub(crate) fn lookup(mut self) -> Lookup<'s, 'm> {
        loop {
            let (entry, locked) = match self.0.find_conflict() {
                None => return Lookup::Absent(self),
                Some(Present::Other) => return Lookup::Foreign,
                Some(Present::Value(value)) => Entry::decode(value),
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

    /// What the slot has now, without waiting. The order of the slot does not matter.
    #[inline]
    pub(crate) fn peek(mut self) -> Peek<'s, 'm> {
        match self.0.load() {
            Some(Present::Value(value)) => match Entry::decode(value) {
                (entry, false) => Peek::Found(UnlockedEntry::new(self, entry)),
                (entry, true) => Peek::Busy(BusyEntry::new(self, entry)),
            },
            None | Some(Present::Other) => Peek::Absent(self),
        }
    }

    /// The next entry up to the page `last`, once it is unlocked: at first the one at the slot, then
    /// the one after that. [`None`], and the lock is released, if there is none.
    ///
    /// The walk goes on with what the methods of the entry give back:
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
            // What is no entry of DAX is passed by.
            let Present::Value(value) = self.0.next(last)? else {
                continue;
            };
            let (entry, locked) = Entry::decode(value);
            if !locked {
                return Some(UnlockedEntry::new(self, entry));
            }
            match self.wait(entry).settled() {
                Ok(found) => return Some(found),
                Err(lock) => self = lock,
            }
        }
    }

    /// Like [`MappingLock::next`], of the entries that a writeback has tagged
    /// ([`AddressSpace::tag_for_writeback`]) and nobody has cleaned since.
    #[inline]
    pub(crate) fn next_towrite(mut self, last: PageIndex) -> Option<UnlockedEntry<'s, 'm>> {
        loop {
            let Present::Value(value) = self.0.next_marked(last, TAG_TOWRITE)? else {
                continue;
            };
            let (entry, locked) = Entry::decode(value);
            if !locked {
                return Some(UnlockedEntry::new(self, entry));
            }
            match self.wait(entry).settled() {
                Ok(found) if found.is_towrite() => return Some(found),
                // Whoever had it locked has written it. The wake-up is passed on.
                Ok(found) => self = found.put(),
                Err(lock) => self = lock,
            }
        }
    }

    /// After every few thousand entries of a walk, lets others have the lock and the CPU.
    #[inline]
    pub(crate) fn relax(&mut self) {
        self.0.relax();
    }

    /// Like [`MappingLock::relax`], after work on so many pages.
    #[inline]
    pub(crate) fn relax_after(&mut self, pages: usize) {
        self.0.relax_after(pages as u32);
    }

    /// Waits for the entry to become unlocked or to go away; looks at the page of the slot until
    /// then. Gives back the lock if there is no entry any more.
    #[cold]
    fn settled(mut self) -> Result<UnlockedEntry<'s, 'm>, Self> {
        loop {
            match self.peek() {
                Peek::Found(found) => return Ok(found),
                Peek::Busy(busy) => self = busy.wait(),
                Peek::Absent(lock) => return Err(lock),
            }
        }
    }

    /// Sleeps until somebody unlocks the entry, whose bit is set.
    ///
    /// The caller looks again, and what it finds passes the wake-up on.
    #[cold]
    fn wait(self, entry: Entry) -> Self {
        let start = entry.order().start(self.position());
        Self(wait::sleep_exclusive(self.0, start).lock())
    }

    /// The key under which others wait for `entry`, which is at the slot.
    #[inline]
    fn key(&self, entry: Entry) -> Key {
        Key::new(self.mapping(), entry.order().start(self.position()))
    }

    /// Removes `entry`, which is at the slot, and returns what was there.
    #[inline]
    fn remove(&mut self, entry: Entry) -> Option<Present> {
        let old = self.0.store(None);
        self.0.sub_pages(entry.order().pages());
        // Nobody can pass on a wake-up for what is not there any more.
        self.key(entry).wake_all();
        old
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Entries in their slots, and the lock of an entry.
//!
//! Each entry of a file has a lock: a bit of the entry, which faults and writeback hold while they
//! sleep. A task reads and changes the bit under the lock of the array, `i_pages`, and so it does
//! with the tags and everything else that must agree with an entry. The types say what a task
//! holds:
//!
//! ```text
//! Slot            nothing
//! MappingLock     the i_pages lock, interrupts off
//! UnlockedEntry   the i_pages lock, and has found an entry that is not locked
//! LockedEntry     the lock of an entry
//! Unmapped        the lock of an entry that is in no page table
//! Flushed         the same, and the memory is on stable storage
//! LockedRun       the locks of several entries, for writeback
//! ProtectedRun    the same, and no page table lets a task write to the memory
//! FlushedRun      the same, and the memory is on stable storage
//! Update          the lock of an entry and the i_pages lock, to change the entry
//! ```
//!
//! Each is given up when dropped. They borrow the slot, which is on the stack of the caller, one
//! after the other: a method that takes `self` passes on what it holds.
//!
//! # No task sleeps for ever
//!
//! Tasks that wait for a locked entry are woken one at a time, because only one of them can lock
//! it. A task that has been woken and does not lock the entry must wake the next one. So
//! [`UnlockedEntry`] does that when it is dropped, and so does everything that unlocks an entry. An
//! entry that is removed, or replaced by entries of another order, wakes all: no later unlock
//! would.

mod grab;
mod lock;
mod locked;
mod lookup;
mod run;
mod settle;
mod unlocked;
mod unmapped;

#[cfg(CONFIG_KUNIT = "y")]
mod test;

pub(crate) use grab::{
    grab,
    GrabError, //
};
pub(crate) use lock::{
    MappingLock,
    Slot, //
};
pub(crate) use locked::LockedEntry;
pub(crate) use lookup::{
    Lookup,
    Peek, //
};
pub(crate) use settle::{
    settle,
    WouldSleep, //
};
pub(crate) use unlocked::UnlockedEntry;

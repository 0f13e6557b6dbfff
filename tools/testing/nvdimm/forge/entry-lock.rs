// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! A task has the lock of an entry that it has only seen.

use crate::{
    slot::{
        LockedEntry,
        Slot, //
    },
    sys::lock::EntryLock,
};

#[cfg(not(control))]
fn of_another<'s, 'm>(seen: &LockedEntry<'_, '_>, slot: &'s mut Slot<'m>) -> LockedEntry<'s, 'm> {
    LockedEntry::adopt(slot, EntryLock::adopt(seen.entry())) //~ E0133
}

#[cfg(control)]
fn handed_over<'s, 'm>(held: LockedEntry<'_, '_>, slot: &'s mut Slot<'m>) -> LockedEntry<'s, 'm> {
    let lock: EntryLock = held.keep_locked();
    LockedEntry::adopt(slot, lock)
}

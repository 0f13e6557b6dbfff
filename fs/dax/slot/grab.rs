// SPDX-License-Identifier: GPL-2.0

//! The lock of the entry of a slot, whether there was an entry before or not.

use super::{
    LockedEntry,
    Lookup,
    MappingLock,
    Slot,
    UnlockedEntry, //
};
use crate::entry::{
    Entry,
    Kind,
    Order, //
};
use kernel_ext::{
    fs::mapping::AddressSpace,
    xarray::{
        Cursor,
        Guard, //
    }, //
};

/// Why an entry cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrabError {
    /// There are smaller entries where it would be: the caller makes do with one of those.
    Fallback,
    /// There is no memory for the array to grow.
    OutOfMemory,
    /// What is in the array is no entry of DAX.
    Io,
}

/// Locks the entry of the slot; makes an empty one if there is none. Sleeps.
///
/// The entry that is found may be larger than the slot if it is storage. A larger hole, or
/// placeholder, makes room for smaller entries. Smaller entries never make room for larger ones: that
/// is [`GrabError::Fallback`].
#[inline]
pub(crate) fn grab<'s, 'm>(
    slot: &'s mut Slot<'m>,
    order: Order,
) -> Result<LockedEntry<'s, 'm>, GrabError> {
    let mut cursor = &mut slot.0;
    loop {
        let lock = match MappingLock(cursor.lock()).lookup() {
            Lookup::Found(found) => {
                if found.entry().order() == order || found.entry().is_mapped() {
                    return Ok(found.lock());
                }
                make_room(found)
            }
            Lookup::Absent(lock) => lock,
            Lookup::Conflict => return Err(GrabError::Fallback),
            Lookup::Foreign => return Err(GrabError::Io),
        };
        match insert(lock, Entry::empty(order)) {
            Ok(locked) => return Ok(locked),
            Err(failed) => cursor = failed,
        }
        if !cursor.allocate() {
            return Err(GrabError::OutOfMemory);
        }
    }
}

/// Removes a hole or a placeholder, so that there is room for smaller entries.
#[cold]
fn make_room<'s, 'm>(found: UnlockedEntry<'s, 'm>) -> MappingLock<'s, 'm> {
    // Neither has anything of its memory that would have to be given up.
    let release = |_: Entry, _: &Guard<'_, '_>| ();
    let mut lock = match found.entry().kind() {
        // Nobody maps a placeholder.
        Kind::Empty | Kind::Mapped(_) => found.discard(release),
        Kind::Zero(_) => {
            let locked = found.lock();
            unmap(locked.mapping(), &locked);
            locked.remove(release)
        }
    };
    lock.0.reset();
    lock
}

/// Takes the pages of the entry out of all page tables.
fn unmap(mapping: &AddressSpace, locked: &LockedEntry<'_, '_>) {
    mapping.unmap_pages(locked.index(), locked.entry().order().pages());
}

/// Puts `entry`, locked, into a slot that is empty. Gives the cursor back if there was no memory.
#[inline]
fn insert<'s, 'm>(
    mut lock: MappingLock<'s, 'm>,
    entry: Entry,
) -> Result<LockedEntry<'s, 'm>, &'s mut Cursor<'m>> {
    lock.0.store(Some(entry.locked()));
    if lock.0.failed() {
        return Err(lock.0.unlock());
    }
    lock.0.add_pages(entry.order().pages());
    Ok(LockedEntry::new(lock.0.unlock(), entry))
}

// SPDX-License-Identifier: GPL-2.0

//! The lock of the entry of a slot, whether there was an entry before or not.

use super::{
    lock::{
        MappingLock,
        Slot, //
    },
    locked::LockedEntry,
    lookup::Lookup,
    unlocked::UnlockedEntry,
};
use crate::{
    memory::Memory,
    sys::{
        cursor::Cursor,
        entry::{
            Kind,
            Order, //
        },
        folio::References,
    },
};

/// Why an entry cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrabError {
    /// There are smaller entries where it would be: the caller makes do with one of those.
    Fallback,
    /// There is no memory for the array to grow.
    OutOfMemory,
    /// The array has something else there, which is no entry of DAX.
    Io,
}

/// Locks the entry of the slot; makes a placeholder if there is none. Sleeps.
///
/// The entry that is found may be larger than the slot if it is storage. A larger hole, or
/// placeholder, is removed first. Smaller entries are not removed for a larger one: that is
/// [`GrabError::Fallback`].
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
                clear_hole(found)
            }
            Lookup::Absent(lock) => lock,
            Lookup::Conflict => return Err(GrabError::Fallback),
            Lookup::Foreign => return Err(GrabError::Io),
        };
        match insert(lock, order) {
            Ok(locked) => return Ok(locked),
            Err(failed) => cursor = failed,
        }
        if !cursor.allocate() {
            return Err(GrabError::OutOfMemory);
        }
    }
}

/// Removes a hole or a placeholder that is larger than the entry which is to be made there.
#[cold]
fn clear_hole<'s, 'm>(found: UnlockedEntry<'s, 'm>) -> MappingLock<'s, 'm> {
    let mut memory = Memory::of_unknown_device();
    let mut lock = match found.entry().kind() {
        // A placeholder is in no page table.
        Kind::Empty => found.discard(&mut memory),
        Kind::Zero(_) | Kind::Mapped(_) => found
            .unmap()
            .flush(&mut memory)
            .remove(References::None, &mut memory),
    };
    lock.0.reset();
    lock
}

/// Puts a locked placeholder of `order` into a slot that is empty. Gives the cursor back if there
/// was no memory for the array to grow.
#[inline]
fn insert<'s, 'm>(
    mut lock: MappingLock<'s, 'm>,
    order: Order,
) -> Result<LockedEntry<'s, 'm>, &'s mut Cursor<'m>> {
    let Some(held) = lock.0.store_placeholder(order) else {
        return Err(lock.0.unlock());
    };
    lock.0.add_pages(order.pages());
    Ok(LockedEntry::new(lock.0.unlock(), held))
}

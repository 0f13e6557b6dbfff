// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! A task has the i_pages lock of a file, which it has not taken.

use crate::{
    slot::{
        MappingLock,
        Slot, //
    },
    sys::{
        cursor::Cursor,
        guard::Guard, //
    },
};

#[cfg(not(control))]
fn of_a_guard<'s, 'm>(guard: Guard<'s, 'm>) -> MappingLock<'s, 'm> {
    MappingLock(guard) //~ E0423
}

#[cfg(not(control))]
fn of_a_cursor(cursor: Cursor<'_>) -> Slot<'_> {
    Slot(cursor) //~ E0423
}

#[cfg(control)]
fn of_a_slot<'s, 'm>(slot: &'s mut Slot<'m>) -> MappingLock<'s, 'm> {
    let _: Option<(Cursor<'_>, Guard<'_, '_>)> = None;
    slot.lock()
}

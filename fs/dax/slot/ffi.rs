// SPDX-License-Identifier: GPL-2.0

//! Locked entries that C keeps.

use super::{
    LockedEntry,
    Slot, //
};
use crate::entry::Entry;

/// Takes up the lock that [`LockedEntry::keep_locked`] has left.
///
/// # Safety
///
/// `entry`, at the slot, must be locked, and whoever left it locked must not use it again.
#[inline]
pub(crate) unsafe fn adopt<'s, 'm>(slot: &'s mut Slot<'m>, entry: Entry) -> LockedEntry<'s, 'm> {
    LockedEntry::new(&mut slot.0, entry)
}

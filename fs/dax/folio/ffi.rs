// SPDX-License-Identifier: GPL-2.0

//! From entries to folios.
//!
//! What all of this relies on: a mapped entry is made in one place, by a fault, of frames that the
//! device has answered with. The memory of a device that filesystems use is of the type
//! `MEMORY_DEVICE_FS_DAX`, with a `struct page` for each frame, and stays while it is mounted.

use crate::{
    entry::Entry,
    slot::{
        LockedEntry,
        UnlockedEntry, //
    }, //
};
use kernel_ext::{
    mm::folio::DeviceFolio,
    units::PageIndex,
    xarray::Guard, //
};

/// The folio that the memory of `entry` is, or is a part of.
#[inline]
fn of<'a>(entry: Entry) -> Option<&'a DeviceFolio> {
    let pfn = entry.mapped_pfn()?;
    // SAFETY: As said above.
    Some(unsafe { DeviceFolio::of_frame(pfn) })
}

/// The folio of an entry, if it has storage. It stays a folio while the entry is locked.
#[inline]
pub(crate) fn of_locked<'a>(entry: &'a LockedEntry<'_, '_>) -> Option<&'a DeviceFolio> {
    of(entry.entry())
}

/// The folio of an entry, if it has storage. It stays a folio while the i_pages lock is held.
#[inline]
pub(crate) fn of_unlocked<'a>(entry: &'a UnlockedEntry<'_, '_>) -> Option<&'a DeviceFolio> {
    of(entry.entry())
}

/// Gives up the folio of `entry`, which is being removed.
#[inline]
pub(crate) fn release(entry: Entry, lock: &Guard<'_, '_>) {
    if let Some(folio) = of(entry) {
        // SAFETY: The slot had the entry, so `exchange` was called for it, and the caller removes it.
        unsafe { folio.disassociate(lock) };
    }
}

/// Gives up the folio of `old` and takes that of `new`, which takes its place at `index`.
///
/// `shared` says that the filesystem lets several files have the memory.
#[inline]
pub(crate) fn exchange(
    old: Entry,
    new: Entry,
    index: PageIndex,
    shared: bool,
    lock: &Guard<'_, '_>,
) {
    release(old, lock);
    if let Some(folio) = of(new) {
        // SAFETY: The caller puts the entry into its slot. Whoever removes it calls `release`, or
        // this function. A device answers with frames that begin at a multiple of their number.
        unsafe { folio.associate(new.order().log2(), index, shared, lock) };
    }
}

// SPDX-License-Identifier: GPL-2.0

//! From entries to folios.
//!
//! What all of this relies on: a mapped entry is made in one place, by a fault, of frames that the
//! device has answered with. The memory of a device that filesystems use is of the type
//! `MEMORY_DEVICE_FS_DAX`, with a `struct page` for each frame, and stays while it is mounted.

use crate::{
    entry::{
        Entry,
        Order, //
    },
    slot::LockedEntry, //
};
use kernel::ffi::c_int;
use kernel_ext::{
    bindings,
    mm::folio::{
        DeviceFolio,
        InUse,
        References, //
    },
    units::PageIndex,
    xarray::Guard, //
};

kernel_ext::check_prototypes!(dax_folio_reset_order);

/// Makes every page of a folio one of its own, without an owner, and returns the order that the
/// folio had: for device-dax, which has its own ways to make folios.
///
/// # Safety
///
/// `folio` must be a folio of a DAX device that nobody uses.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_folio_reset_order(folio: *mut bindings::folio) -> c_int {
    // SAFETY: The caller ensures that it is valid and unused.
    let order = unsafe { DeviceFolio::from_raw(folio).take_apart() };
    // CAST: An order is less than the number of bits of an address.
    order as c_int
}

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

/// Gives up the folio of `entry`, which is being removed.
#[inline]
pub(crate) fn release(entry: Entry, references: References, lock: &Guard<'_, '_>) {
    if let Some(pfn) = entry.mapped_pfn() {
        // SAFETY: The slot had the entry, so `exchange` was called for it, and the caller removes it.
        unsafe { DeviceFolio::disassociate(pfn, references, lock) };
    }
}

/// Whether `entry` must not be removed yet, because its folio would have to be taken apart although
/// somebody uses it. What is one page stays a folio, and has its user go on with it.
///
/// The caller has taken the pages out of all page tables.
#[inline]
pub(crate) fn must_stay(entry: &LockedEntry<'_, '_>) -> bool {
    entry.entry().order() != Order::Pte
        && of_locked(entry).is_some_and(|folio| folio.is_busy_unmapped())
}

/// Takes the folio of `new` and gives up that of `old`, which it replaces at `index`, and which is one
/// page, or nobody uses.
///
/// `shared` says that the filesystem lets several files have the memory. Fails, and does nothing, if
/// others have some of the memory of a huge entry, but not all.
#[inline]
pub(crate) fn exchange(
    old: Entry,
    new: Entry,
    index: PageIndex,
    shared: bool,
    lock: &Guard<'_, '_>,
) -> Result<(), InUse> {
    if let Some(pfn) = new.mapped_pfn() {
        // SAFETY: The memory is as said above, and a fault has checked that the frame is one which an
        // entry of this size can begin with. The caller puts the entry into its slot, and whoever
        // removes it calls `release`, or this function.
        unsafe { DeviceFolio::associate(pfn, new.order().log2(), index, shared, lock) }?;
    }
    release(old, References::ToOnePage, lock);
    Ok(())
}

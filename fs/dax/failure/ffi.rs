// SPDX-License-Identifier: GPL-2.0

//! The C symbols for memory failures.

use super::{
    lock_owner,
    lock_page,
    Cookie, //
};
use crate::{
    entry::Order,
    slot::{
        self,
        Slot, //
    },
};
use core::ops::ControlFlow;
use kernel::{
    ffi::c_ulong,
    sync::rcu, //
};
use kernel_ext::{
    bindings,
    fs::mapping::{
        AddressSpace,
        PageIndex, //
    },
    mm::folio::DeviceFolio,
    warn_on_once, //
};

kernel_ext::check_prototypes!(
    dax_lock_folio,
    dax_lock_mapping_entry,
    dax_unlock_folio,
    dax_unlock_mapping_entry,
);

/// Locks the entry that has `folio`, and returns a cookie for [`dax_unlock_folio`]. Sleeps.
///
/// 0 if the folio belongs to no file, or to several; `!0` if it belongs to a character device, which
/// has nothing to lock.
///
/// # Safety
///
/// `folio` must be a folio of a device whose memory the caller keeps.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_lock_folio(folio: *mut bindings::folio) -> c_ulong {
    // SAFETY: The caller ensures that it is valid.
    let folio = unsafe { DeviceFolio::from_raw(folio) };
    loop {
        let reading = rcu::read_lock();
        let Some(mapping) = folio.owner() else {
            return Cookie::Failed.into_raw();
        };
        // SAFETY: The inode of a folio's owner cannot be freed before the entry is removed, and is
        // freed after a grace period. So the address space is valid until the read section ends,
        // and as long as its lock is held; `lock_owner` uses it no longer than that.
        let mapping = unsafe { AddressSpace::from_raw(mapping) };
        if let ControlFlow::Break(cookie) = lock_owner(folio, mapping, || drop(reading)) {
            return cookie.into_raw();
        }
    }
}

/// Unlocks the entry that has `folio`.
///
/// # Safety
///
/// `cookie` must be what [`dax_lock_folio`] has returned for `folio`, and must not be used again.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_unlock_folio(folio: *mut bindings::folio, cookie: c_ulong) {
    let Cookie::Locked(entry) = Cookie::from_raw(cookie) else {
        return;
    };
    // SAFETY: The caller ensures that it is valid.
    let folio = unsafe { DeviceFolio::from_raw(folio) };
    let Some((mapping, index)) = folio.owner().map(|mapping| (mapping, folio.index())) else {
        warn_on_once!(true);
        return;
    };
    // SAFETY: The entry is locked, so the inode of its file stays.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    let mut slot = Slot::new(mapping, index, Order::Pte);
    // SAFETY: The caller gives up the cookie of the entry.
    drop(unsafe { slot::adopt(&mut slot, entry) });
}

/// Locks the entry that covers a page of a file, and returns a cookie for
/// [`dax_unlock_mapping_entry`]. Sleeps.
///
/// `*page` is the page, also of an entry of many pages. If it has no memory, `*page` is left alone,
/// and the result is `!0`; it is 0 if the file is none of DAX.
///
/// # Safety
///
/// `mapping` must be the address space of an inode that the caller keeps, `page` valid for a write,
/// and the memory of the page, if it is there, must stay until the entry is unlocked.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_lock_mapping_entry(
    mapping: *mut bindings::address_space,
    index: c_ulong,
    page: *mut *mut bindings::page,
) -> c_ulong {
    // SAFETY: The caller ensures that it is valid.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    let (cookie, pfn) = lock_page(mapping, PageIndex(index));
    if let Some(pfn) = pfn {
        // SAFETY: The caller ensures that it may be written.
        unsafe { *page = bindings::pfn_to_page(pfn.number()) };
    }
    cookie.into_raw()
}

/// Unlocks an entry of a file.
///
/// # Safety
///
/// `cookie` must be what [`dax_lock_mapping_entry`] has returned for `mapping` and `index`, and must
/// not be used again.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_unlock_mapping_entry(
    mapping: *mut bindings::address_space,
    index: c_ulong,
    cookie: c_ulong,
) {
    let Cookie::Locked(entry) = Cookie::from_raw(cookie) else {
        return;
    };
    // SAFETY: The caller ensures that it is valid.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    let mut slot = Slot::new(mapping, PageIndex(index), Order::Pte);
    // SAFETY: The caller gives up the cookie of the entry.
    drop(unsafe { slot::adopt(&mut slot, entry) });
}

// SPDX-License-Identifier: GPL-2.0

//! The C symbols for layouts.

use super::{
    memory::Memory,
    PageRange, //
};
use core::ptr;
use kernel::{
    error::from_result,
    ffi::{
        c_int,
        c_ulong, //
    }, //
};
use kernel_ext::{
    bindings,
    fs::{
        inode::Inode,
        mapping::{
            AddressSpace,
            PageIndex, //
        },
    },
    warn_on_once, //
};

kernel_ext::check_prototypes!(
    dax_break_layout,
    dax_break_layout_final,
    dax_delete_mapping_entry,
    dax_delete_mapping_range,
    dax_invalidate_mapping_entry_sync,
    dax_layout_busy_page,
    dax_layout_busy_page_range,
);

/// Takes pages of a file out of all page tables, waits until nobody uses them, and removes their
/// entries. Sleeps.
///
/// The bytes are `start..=end`, where -1 or `LLONG_MAX` is the end of the file. While a page is in
/// use, `cb` is called, which gives up the locks of the filesystem, sleeps and takes them again; the
/// task is interruptible then. Returns 0, or `-ERESTARTSYS` for a signal, or if a page is in use and
/// there is no `cb`.
///
/// # Safety
///
/// `inode` must be a valid inode, `cb` a function that may be called with it, and the caller must hold
/// the lock that keeps page faults out.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_break_layout(
    inode: *mut bindings::inode,
    start: bindings::loff_t,
    end: bindings::loff_t,
    cb: Option<unsafe extern "C" fn(arg1: *mut bindings::inode)>,
) -> c_int {
    let Some(range) = PageRange::of_bytes(start, end) else {
        return 0;
    };
    // SAFETY: The caller ensures that the function may be called with the inode.
    let sleep = cb.map(|cb| move || unsafe { cb(inode) });
    from_result(|| {
        // SAFETY: The caller ensures that it is valid.
        super::break_layout(unsafe { Inode::from_raw(inode) }, range, sleep)?;
        Ok(0)
    })
}

/// Like [`dax_break_layout`] for all of a file whose inode is being evicted. Not interruptible.
///
/// # Safety
///
/// `inode` must be an inode that nobody else uses any more.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_break_layout_final(inode: *mut bindings::inode) {
    // SAFETY: The caller ensures that it is valid.
    super::break_layout_final(unsafe { Inode::from_raw(inode) });
}

/// Takes the pages that hold the bytes `start..=end` out of all page tables, and returns the first page
/// that somebody uses otherwise, or NULL. -1 or `LLONG_MAX` is the end of the file. Sleeps.
///
/// # Safety
///
/// `mapping` must be the address space of an inode that the caller keeps, and the caller must hold the
/// lock that keeps page faults out.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_layout_busy_page_range(
    mapping: *mut bindings::address_space,
    start: bindings::loff_t,
    end: bindings::loff_t,
) -> *mut bindings::page {
    // SAFETY: The caller ensures that it is valid.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    let Some(range) = PageRange::of_bytes(start, end).filter(|_| mapping.is_dax()) else {
        return ptr::null_mut();
    };
    super::unmap_and_find_busy(mapping, range, &mut Memory::of_unknown_device())
        .map_or(ptr::null_mut(), |busy| busy.folio().first_page())
}

/// [`dax_layout_busy_page_range`] for the whole file.
///
/// # Safety
///
/// As for [`dax_layout_busy_page_range`].
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_layout_busy_page(
    mapping: *mut bindings::address_space,
) -> *mut bindings::page {
    // SAFETY: As the caller ensures.
    unsafe { dax_layout_busy_page_range(mapping, 0, bindings::loff_t::MAX) }
}

/// Removes the entries of the pages that hold the bytes `start..=end`, where -1 or `LLONG_MAX` is the
/// end of the file. What is dirty is flushed. Sleeps.
///
/// # Safety
///
/// `mapping` must be the address space of an inode that the caller keeps. No page in the range may be
/// mapped or used, and the caller must hold the lock that keeps page faults out.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_delete_mapping_range(
    mapping: *mut bindings::address_space,
    start: bindings::loff_t,
    end: bindings::loff_t,
) {
    if let Some(range) = PageRange::of_bytes(start, end) {
        // SAFETY: The caller ensures that it is valid.
        super::delete_range(unsafe { AddressSpace::from_raw(mapping) }, range);
    }
}

/// Removes the entry that covers a page, which the caller has seen, and returns whether it was there.
/// What is dirty is flushed. Sleeps.
///
/// # Safety
///
/// As for [`dax_delete_mapping_range`].
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_delete_mapping_entry(
    mapping: *mut bindings::address_space,
    index: c_ulong,
) -> c_int {
    // SAFETY: The caller ensures that it is valid.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    let deleted = super::delete_entry(mapping, PageIndex(index));
    warn_on_once!(!deleted);
    deleted.into()
}

/// Removes the entry that covers a page unless it is dirty, and returns whether it was there and clean.
/// Sleeps.
///
/// # Safety
///
/// `mapping` must be the address space of an inode that the caller keeps.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_invalidate_mapping_entry_sync(
    mapping: *mut bindings::address_space,
    index: c_ulong,
) -> c_int {
    // SAFETY: The caller ensures that it is valid.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    super::invalidate_entry(mapping, PageIndex(index)).into()
}

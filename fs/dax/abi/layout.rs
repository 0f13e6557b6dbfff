// SPDX-License-Identifier: GPL-2.0

//! The C symbols for layouts.

use crate::{
    layout::{
        self,
        PageRange, //
    },
    memory::Memory,
    sys::mapping::DaxMapping, //
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
        mapping::AddressSpace, //
    },
    units::PageIndex,
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

/// Takes pages of a file out of all page tables, waits until they are not in use, and removes their
/// entries. Sleeps.
///
/// The bytes are `start..=end`, where -1 or `LLONG_MAX` is the end of the file. While a page is in
/// use, `cb` is called, which gives up the locks of the filesystem, sleeps and takes them again;
/// the task is interruptible then. Returns 0, or `-ERESTARTSYS` for a signal, or if a page is in
/// use and there is no `cb`.
///
/// # Safety
///
/// The caller must have a reference to `inode`, and hold the lock of its filesystem that keeps page
/// faults out. `cb` must be a function that may be called with `inode` under that lock.
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
    // SAFETY: The function may be called with the inode, as the caller ensures; the lock is held when
    // `break_layout()` calls it.
    let sleep = cb.map(|cb| move || unsafe { cb(inode) });
    from_result(|| {
        // SAFETY: The caller's reference keeps the inode.
        layout::break_layout(unsafe { Inode::from_raw(inode) }, range, sleep)?;
        Ok(0)
    })
}

/// Like [`dax_break_layout`] for all of a file whose inode is being evicted. Not interruptible.
///
/// # Safety
///
/// `inode` must be an inode that its filesystem is evicting, so that no task can map the file.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_break_layout_final(inode: *mut bindings::inode) {
    // SAFETY: The inode is not freed before it has been evicted.
    layout::break_layout_final(unsafe { Inode::from_raw(inode) });
}

/// Takes the pages that hold the bytes `start..=end` out of all page tables, and returns the first
/// page of the first folio that is still in use, or NULL. -1 or `LLONG_MAX` is the end of the file.
/// Sleeps.
///
/// # Safety
///
/// `mapping` must be the address space of an inode to which the caller has a reference. The caller
/// must hold the lock of its filesystem that keeps page faults out.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_layout_busy_page_range(
    mapping: *mut bindings::address_space,
    start: bindings::loff_t,
    end: bindings::loff_t,
) -> *mut bindings::page {
    // SAFETY: The caller's reference to the inode keeps its address space.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    let range = PageRange::of_bytes(start, end);
    let Some((mapping, range)) = DaxMapping::of(mapping).zip(range) else {
        return ptr::null_mut();
    };
    layout::unmap_and_find_busy(mapping, range, &mut Memory::of_unknown_device())
        .map_or(ptr::null_mut(), |busy| busy.first_page())
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
    // SAFETY: This function asks of its caller what the other asks.
    unsafe { dax_layout_busy_page_range(mapping, 0, bindings::loff_t::MAX) }
}

/// Removes the entries of the pages that hold the bytes `start..=end`, where -1 or `LLONG_MAX` is
/// the end of the file. Dirty ones are flushed. Sleeps.
///
/// # Safety
///
/// - `mapping` must be the address space of a file with DAX, to whose inode the caller has a
///   reference.
/// - No page in the range may be in a page table, or in use.
/// - The caller must hold the lock of its filesystem that keeps page faults out.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_delete_mapping_range(
    mapping: *mut bindings::address_space,
    start: bindings::loff_t,
    end: bindings::loff_t,
) {
    if let Some(range) = PageRange::of_bytes(start, end) {
        // SAFETY: The caller's reference to the inode keeps its address space.
        let mapping = unsafe { AddressSpace::from_raw(mapping) };
        // SAFETY: The file is one with DAX, as the caller ensures.
        layout::delete_range(unsafe { DaxMapping::of_dax_file(mapping) }, range);
    }
}

/// Removes the entry that covers a page, which the caller has seen, and returns whether it was
/// there. A dirty one is flushed. Sleeps.
///
/// # Safety
///
/// As for [`dax_delete_mapping_range`].
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_delete_mapping_entry(
    mapping: *mut bindings::address_space,
    index: c_ulong,
) -> c_int {
    // SAFETY: The caller's reference to the inode keeps its address space.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    // SAFETY: The file is one with DAX, as the caller ensures.
    let mapping = unsafe { DaxMapping::of_dax_file(mapping) };
    let deleted = layout::delete(mapping, PageIndex(index));
    warn_on_once!(!deleted);
    deleted.into()
}

/// Removes the entry that covers a page unless it is dirty, and returns whether it was there and
/// clean. Sleeps.
///
/// # Safety
///
/// `mapping` must be the address space of a file with DAX, to whose inode the caller has a
/// reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_invalidate_mapping_entry_sync(
    mapping: *mut bindings::address_space,
    index: c_ulong,
) -> c_int {
    // SAFETY: The caller's reference to the inode keeps its address space.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    // SAFETY: The file is one with DAX, as the caller ensures.
    let mapping = unsafe { DaxMapping::of_dax_file(mapping) };
    layout::invalidate(mapping, PageIndex(index)).into()
}

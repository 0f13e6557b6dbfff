// SPDX-License-Identifier: GPL-2.0

//! The trace events of filesystem-DAX, under `events/fs_dax` in tracefs.
//!
//! They are those of C, with the same fields: ndctl's tests, for one, count the PMD faults of
//! `dax_pmd_fault_done`. `exports.c` defines them.
//!
//! C header: [`include/trace/events/fs_dax.h`](srctree/include/trace/events/fs_dax.h)

use super::entry::Entry;
use core::ptr;
use kernel::ffi::{
    c_int,
    c_ulong,
    c_void, //
};
use kernel_ext::{
    bindings,
    fs::inode::Inode,
    mm::{
        fault::{
            FaultCode,
            VmFault, //
        },
        folio::Folio, //
    },
    tracepoint::declare_trace,
    units::PageIndex, //
};

declare_trace! {
    unsafe fn dax_pmd_fault(
        inode: *mut bindings::inode,
        vmf: *mut bindings::vm_fault,
        max_pgoff: c_ulong,
        result: c_int,
    );
    unsafe fn dax_pmd_fault_done(
        inode: *mut bindings::inode,
        vmf: *mut bindings::vm_fault,
        max_pgoff: c_ulong,
        result: c_int,
    );
    unsafe fn dax_pmd_load_hole(
        inode: *mut bindings::inode,
        vmf: *mut bindings::vm_fault,
        zero_folio: *mut bindings::folio,
        radix_entry: *mut c_void,
    );
    unsafe fn dax_pmd_load_hole_fallback(
        inode: *mut bindings::inode,
        vmf: *mut bindings::vm_fault,
        zero_folio: *mut bindings::folio,
        radix_entry: *mut c_void,
    );
    unsafe fn dax_pte_fault(
        inode: *mut bindings::inode,
        vmf: *mut bindings::vm_fault,
        result: c_int,
    );
    unsafe fn dax_pte_fault_done(
        inode: *mut bindings::inode,
        vmf: *mut bindings::vm_fault,
        result: c_int,
    );
    unsafe fn dax_load_hole(
        inode: *mut bindings::inode,
        vmf: *mut bindings::vm_fault,
        result: c_int,
    );
    unsafe fn dax_insert_pfn_mkwrite_no_entry(
        inode: *mut bindings::inode,
        vmf: *mut bindings::vm_fault,
        result: c_int,
    );
    unsafe fn dax_insert_pfn_mkwrite(
        inode: *mut bindings::inode,
        vmf: *mut bindings::vm_fault,
        result: c_int,
    );
    unsafe fn dax_writeback_range(
        inode: *mut bindings::inode,
        start_index: c_ulong,
        end_index: c_ulong,
    );
    unsafe fn dax_writeback_range_done(
        inode: *mut bindings::inode,
        start_index: c_ulong,
        end_index: c_ulong,
    );
    unsafe fn dax_writeback_one(inode: *mut bindings::inode, pgoff: c_ulong, pglen: c_ulong);
}

/// A PMD fault begins; `max_pgoff` is the first page past the end of the file.
#[inline]
pub(crate) fn pmd_fault(inode: &Inode, vmf: &VmFault, max_pgoff: PageIndex) {
    // SAFETY:
    // - The inode lives as long as the reference.
    // - The fault is being handled by this task, by the type invariants, so that the event may read
    //   it.
    unsafe { dax_pmd_fault(inode.as_raw(), vmf.as_raw(), max_pgoff.0, 0) }
}

/// A PMD fault ends with `code`.
#[inline]
pub(crate) fn pmd_fault_done(inode: &Inode, vmf: &VmFault, max_pgoff: PageIndex, code: FaultCode) {
    // SAFETY:
    // - The inode lives as long as the reference.
    // - The fault is being handled by this task, by the type invariants, so that the event may read
    //   it.
    unsafe {
        dax_pmd_fault_done(
            inode.as_raw(),
            vmf.as_raw(),
            max_pgoff.0,
            code.as_raw() as c_int,
        )
    }
}

/// A read fault mapped the huge zero folio into a hole.
#[inline]
pub(crate) fn pmd_load_hole(inode: &Inode, vmf: &VmFault, zero: &Folio, entry: Entry) {
    // SAFETY:
    // - The inode lives as long as the reference.
    // - The fault is being handled by this task, by the type invariants, so that the event may read
    //   it.
    // - The event records the other two pointers without following them.
    unsafe {
        dax_pmd_load_hole(
            inode.as_raw(),
            vmf.as_raw(),
            zero.as_raw(),
            entry.raw() as *mut c_void,
        )
    }
}

/// There was no huge zero folio for a hole.
#[inline]
pub(crate) fn pmd_load_hole_fallback(inode: &Inode, vmf: &VmFault, entry: Entry) {
    // SAFETY:
    // - The inode lives as long as the reference.
    // - The fault is being handled by this task, by the type invariants, so that the event may read
    //   it.
    // - The event records the other two pointers without following them.
    unsafe {
        dax_pmd_load_hole_fallback(
            inode.as_raw(),
            vmf.as_raw(),
            ptr::null_mut(),
            entry.raw() as *mut c_void,
        )
    }
}

/// A PTE fault begins.
#[inline]
pub(crate) fn pte_fault(inode: &Inode, vmf: &VmFault) {
    // SAFETY:
    // - The inode lives as long as the reference.
    // - The fault is being handled by this task, by the type invariants, so that the event may read
    //   it.
    unsafe { dax_pte_fault(inode.as_raw(), vmf.as_raw(), 0) }
}

/// A PTE fault ends with `code`.
#[inline]
pub(crate) fn pte_fault_done(inode: &Inode, vmf: &VmFault, code: FaultCode) {
    // SAFETY:
    // - The inode lives as long as the reference.
    // - The fault is being handled by this task, by the type invariants, so that the event may read
    //   it.
    unsafe { dax_pte_fault_done(inode.as_raw(), vmf.as_raw(), code.as_raw() as c_int) }
}

/// A read fault tried to map the zero page into a hole.
#[inline]
pub(crate) fn load_hole(inode: &Inode, vmf: &VmFault, code: FaultCode) {
    // SAFETY:
    // - The inode lives as long as the reference.
    // - The fault is being handled by this task, by the type invariants, so that the event may read
    //   it.
    unsafe { dax_load_hole(inode.as_raw(), vmf.as_raw(), code.as_raw() as c_int) }
}

/// The entry of a synchronous fault was gone when the file had been synced.
#[inline]
pub(crate) fn insert_pfn_mkwrite_no_entry(inode: &Inode, vmf: &VmFault, code: FaultCode) {
    // SAFETY:
    // - The inode lives as long as the reference.
    // - The fault is being handled by this task, by the type invariants, so that the event may read
    //   it.
    unsafe { dax_insert_pfn_mkwrite_no_entry(inode.as_raw(), vmf.as_raw(), code.as_raw() as c_int) }
}

/// A synchronous fault inserted its page with `code`.
#[inline]
pub(crate) fn insert_pfn_mkwrite(inode: &Inode, vmf: &VmFault, code: FaultCode) {
    // SAFETY:
    // - The inode lives as long as the reference.
    // - The fault is being handled by this task, by the type invariants, so that the event may read
    //   it.
    unsafe { dax_insert_pfn_mkwrite(inode.as_raw(), vmf.as_raw(), code.as_raw() as c_int) }
}

/// Writeback of the pages from `start` to `end`, both included, begins.
#[inline]
pub(crate) fn writeback_range(inode: &Inode, start: PageIndex, end: PageIndex) {
    // SAFETY: The inode lives as long as the reference.
    unsafe { dax_writeback_range(inode.as_raw(), start.0, end.0) }
}

/// Writeback ends; `start` is where the scan has arrived.
#[inline]
pub(crate) fn writeback_range_done(inode: &Inode, start: PageIndex, end: PageIndex) {
    // SAFETY: The inode lives as long as the reference.
    unsafe { dax_writeback_range_done(inode.as_raw(), start.0, end.0) }
}

/// The entry of `pages` pages at `index` was written back.
#[inline]
pub(crate) fn writeback_one(inode: &Inode, index: PageIndex, pages: usize) {
    // SAFETY: The inode lives as long as the reference.
    unsafe { dax_writeback_one(inode.as_raw(), index.0, pages) }
}

// SPDX-License-Identifier: GPL-2.0

//! The C symbols for page faults.

use crate::{
    fault::{
        self,
        Report, //
    },
    sys::{
        entry::Order,
        mapping::DaxMapping, //
    },
};
use core::cell::Cell;
use kernel::ffi::{
    c_int,
    c_uint,
    c_ulong, //
};
use kernel_ext::{
    bindings,
    iomap::Ops,
    mm::fault::{
        FaultCode,
        VmFault, //
    },
    units::Pfn, //
};

kernel_ext::check_prototypes!(dax_finish_sync_fault, dax_iomap_fault);

/// The size of memory that C calls `order`, if there are entries of this size.
#[inline]
fn order_from_raw(order: c_uint) -> Option<Order> {
    [
        Order::Pte,
        #[cfg(CONFIG_FS_DAX_PMD)]
        Order::Pmd,
    ]
    .into_iter()
    .find(|known| known.log2() == order)
}

/// Handles a fault on a file with DAX, for memory of 2^`order` pages. May sleep.
///
/// Returns, among others, `VM_FAULT_NOPAGE` if the memory is mapped; `VM_FAULT_FALLBACK` if memory
/// management has to try a smaller size, as for each order that is neither a page nor a PMD;
/// `VM_FAULT_NEEDDSYNC` if the filesystem has to call [`dax_finish_sync_fault`] with the number
/// that is in `*pfnp` then; `VM_FAULT_SIGBUS` past the end of the file. For a page, `*iomap_errp`
/// is the error of `ops`, or 0.
///
/// # Safety
///
/// - `vmf` must be a fault that memory management has this task handle until this returns, in an
///   area that maps a file with DAX.
/// - `pfnp` and `iomap_errp` must each be NULL, or valid for reads and writes by this task only.
/// - `ops` must be the table of the file's filesystem, with an `iomap_begin` operation.
/// - The caller must keep the extents of the file where they are.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_iomap_fault(
    vmf: *mut bindings::vm_fault,
    order: c_uint,
    pfnp: *mut c_ulong,
    iomap_errp: *mut c_int,
    ops: *const bindings::iomap_ops,
) -> bindings::vm_fault_t {
    let Some(order) = order_from_raw(order) else {
        return FaultCode::FALLBACK.as_raw();
    };
    // SAFETY: This task handles the fault, in an area that maps a file, until this returns.
    let vmf = unsafe { VmFault::from_raw(vmf) };
    // SAFETY: The file is one with DAX, as the caller ensures.
    let mapping = unsafe { DaxMapping::of_dax_file(vmf.mapping()) };
    // SAFETY: The table is that of the filesystem, and complete.
    let ops = unsafe { Ops::from_raw(ops) };
    // CAST: `Cell` is transparent to its content.
    // SAFETY: Each pointer is NULL, or valid for this task only.
    let report = unsafe {
        Report {
            sync_pfn: pfnp.cast::<Cell<usize>>().as_ref(),
            error: iomap_errp.cast::<Cell<c_int>>().as_ref(),
        }
    };
    fault::handle(vmf, mapping, order, ops, report).as_raw()
}

/// Syncs the bytes of the file that a fault is about, and maps the frame that [`dax_iomap_fault`]
/// has handed out for it. Sleeps.
///
/// Returns `VM_FAULT_SIGBUS` if the file cannot be synced, else the code of mapping the frame.
///
/// # Safety
///
/// `vmf` must be a fault that memory management has this task handle until this returns, in an area
/// that maps a file with DAX.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_finish_sync_fault(
    vmf: *mut bindings::vm_fault,
    order: c_uint,
    pfn: c_ulong,
) -> bindings::vm_fault_t {
    let Some(order) = order_from_raw(order) else {
        return FaultCode::FALLBACK.as_raw();
    };
    // SAFETY: This task handles the fault, in an area that maps a file, until this returns.
    let vmf = unsafe { VmFault::from_raw(vmf) };
    // SAFETY: The file is one with DAX, as the caller ensures.
    let mapping = unsafe { DaxMapping::of_dax_file(vmf.mapping()) };
    fault::finish(vmf, mapping, order, Pfn::new(pfn)).as_raw()
}

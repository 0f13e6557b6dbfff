// SPDX-License-Identifier: GPL-2.0

//! The C symbols for page faults.

use super::{
    handle,
    sync,
    Report, //
};
use crate::entry::Order;
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
/// Returns, among others, `VM_FAULT_NOPAGE` if the memory is mapped; `VM_FAULT_FALLBACK` if a
/// smaller size is to be tried, which is so for all that is neither a page nor a PMD;
/// `VM_FAULT_NEEDDSYNC` if [`dax_finish_sync_fault`] is to be called, with what is then in `*pfnp`;
/// `VM_FAULT_SIGBUS` past the end of the file. For a page, `*iomap_errp` is what `ops` failed with,
/// or 0.
///
/// # Safety
///
/// `vmf` must be a fault that is being handled by this task, in an area that maps a file with DAX;
/// `pfnp` and `iomap_errp` must each be NULL or valid for a write, and `ops` the complete table of the
/// filesystem. The caller keeps the extents of the file where they are.
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
    // CAST: `Pfn` is transparent to its number.
    // SAFETY: The caller ensures that all of them are valid, or may be NULL.
    let (vmf, ops, report) = unsafe {
        (
            VmFault::from_raw(vmf),
            Ops::from_raw(ops),
            Report {
                sync_pfn: pfnp.cast::<Pfn>().as_mut(),
                error: iomap_errp.as_mut(),
            },
        )
    };
    handle(vmf, order, ops, report).as_raw()
}

/// Syncs the part of the file that a fault is about, and maps the frame that [`dax_iomap_fault`] had
/// for it. Sleeps.
///
/// Returns `VM_FAULT_SIGBUS` if the file cannot be synced, else what mapping the frame came to.
///
/// # Safety
///
/// `vmf` must be a fault that is being handled by this task, in an area that maps a file with DAX.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_finish_sync_fault(
    vmf: *mut bindings::vm_fault,
    order: c_uint,
    pfn: c_ulong,
) -> bindings::vm_fault_t {
    let Some(order) = order_from_raw(order) else {
        return FaultCode::FALLBACK.as_raw();
    };
    // SAFETY: The caller ensures that it is valid.
    let vmf = unsafe { VmFault::from_raw(vmf) };
    sync::finish(vmf, order, Pfn::new(pfn)).as_raw()
}

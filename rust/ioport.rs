// SPDX-License-Identifier: GPL-2.0

//! The map of physical memory.
//!
//! C header: [`include/linux/ioport.h`](srctree/include/linux/ioport.h)

use crate::{
    bindings,
    units::{
        PhysAddr,
        PhysRange, //
    }, //
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*, //
};

/// Calls `visit` for each range that the firmware, or `memmap=nn!ss`, calls persistent memory in
/// the old way (type 12 of the e820 map), in the order of their addresses.
///
/// Stops at the first error, and returns it. Fails with `EINVAL` if there is no such range.
/// May sleep, and so may `visit`.
pub fn walk_legacy_pmem<F: FnMut(PhysRange) -> Result>(mut visit: F) -> Result {
    // SAFETY: The function calls `visit_resource::<F>` only until it returns, with an `F` that
    // nobody else uses.
    to_result(unsafe {
        bindings::walk_iomem_res_desc(
            bindings::IORES_DESC_PERSISTENT_MEMORY_LEGACY as usize,
            bindings::IORESOURCE_MEM as usize,
            0,
            u64::MAX,
            (&raw mut visit).cast(),
            Some(visit_resource::<F>),
        )
    })
}

/// # Safety
///
/// `resource` must be valid, and `visit` an `F` that nobody else uses meanwhile.
unsafe extern "C" fn visit_resource<F: FnMut(PhysRange) -> Result>(
    resource: *mut bindings::resource,
    visit: *mut c_void,
) -> c_int {
    from_result(|| {
        // SAFETY: The caller ensures that it is valid.
        let (start, end) = unsafe { ((*resource).start, (*resource).end) };
        let range = PhysRange::new(PhysAddr(start), PhysAddr(end)).ok_or(EINVAL)?;
        // SAFETY: The caller ensures that it is an `F`, and ours alone.
        let visit = unsafe { &mut *visit.cast::<F>() };
        visit(range)?;
        Ok(0)
    })
}

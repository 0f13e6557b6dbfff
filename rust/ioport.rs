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

/// Calls `visit` for each range of type 12 of the e820 map, by which old firmware and the parameter
/// `memmap=nn!ss` mark persistent memory, in the order of their addresses.
///
/// Stops at the first error, and returns it. Fails with `EINVAL` if there is no such range.
/// May sleep, and so may `visit`.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::ioport::walk_legacy_pmem;
///
/// fn bytes() -> Result<u64> {
///     let mut bytes = 0;
///     walk_legacy_pmem(|range| {
///         bytes += range.bytes();
///         Ok(())
///     })?;
///     Ok(bytes)
/// }
/// ```
pub fn walk_legacy_pmem<F: FnMut(PhysRange) -> Result>(mut visit: F) -> Result {
    // SAFETY:
    // - The function calls `visit_resource::<F>` only until it returns, one call at a time, with a
    //   valid resource.
    // - It passes the pointer to `visit`, which is borrowed mutably until then.
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

/// Hands a resource to the visitor `F`.
///
/// # Safety
///
/// - `resource` must lead to a resource that stays as it is until this returns.
/// - `visit` must lead to an `F` to which the caller has the only reference.
unsafe extern "C" fn visit_resource<F: FnMut(PhysRange) -> Result>(
    resource: *mut bindings::resource,
    visit: *mut c_void,
) -> c_int {
    from_result(|| {
        // SAFETY: The caller ensures that this is a resource.
        let (start, end) = unsafe { ((*resource).start, (*resource).end) };
        let range = PhysRange::new(PhysAddr(start), PhysAddr(end)).ok_or(EINVAL)?;
        // SAFETY: The caller ensures that this is an `F`, and has the only reference to it.
        let visit = unsafe { &mut *visit.cast::<F>() };
        visit(range)?;
        Ok(0)
    })
}

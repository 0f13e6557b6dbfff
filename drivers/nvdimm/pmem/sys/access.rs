// SPDX-License-Identifier: GPL-2.0

//! The symbol by which nfit_test replaces direct access.
//!
//! `__pmem_direct_access()` is a symbol of the C driver that another object of the module may
//! override: `tools/testing/nvdimm` of the kernel tree does, because the memory that nfit_test
//! simulates is not contiguous. In C the driver's own function is `__weak`. Rust has no stable
//! attribute for that, but an alias with weak binding, made by the assembler, is the same to the
//! linker.
//!
//! The driver itself never calls its own definition: it asks whether the symbol is overridden, and
//! otherwise translates in Rust, without a detour over the C ABI.

use super::memory::translation;
use crate::device::PmemDevice;
use core::{
    arch::asm,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    ffi::{
        c_int,
        c_long,
        c_ulong,
        c_void, //
    },
    prelude::*, //
};
use kernel_ext::{
    bindings,
    dax::{
        AccessMode,
        PageOffset,
        Translation, //
    },
    units::Pfn, //
};

extern "C" {
    fn __pmem_direct_access(
        pmem: *mut c_void,
        pgoff: c_ulong,
        nr_pages: c_long,
        mode: bindings::dax_access_mode,
        kaddr: *mut *mut c_void,
        pfn: *mut c_ulong,
    ) -> c_long;
}

core::arch::global_asm!(
    ".weak __pmem_direct_access",
    ".type __pmem_direct_access, @function",
    ".set __pmem_direct_access, {own}",
    own = sym not_overridden,
);

/// The `__pmem_direct_access()` of this driver. Its address says that the symbol is not overridden.
extern "C" fn not_overridden() -> c_long {
    ENXIO.to_errno() as c_long
}

/// Whether another object of the module overrides `__pmem_direct_access()`.
#[inline(always)]
pub(crate) fn is_overridden() -> bool {
    let linked: usize;
    // In assembly, because the compiler takes two symbols for two functions.
    // SAFETY: The instruction sets the register to the address of the symbol, which the linker
    // knows.
    unsafe {
        asm!(
            "movq ${symbol}, {linked}",
            symbol = sym __pmem_direct_access,
            linked = out(reg) linked,
            options(att_syntax, nomem, nostack, preserves_flags, pure),
        );
    }
    linked != not_overridden as usize
}

/// Translates a page of the device by the function that overrides the driver's.
#[cold]
pub(crate) fn direct_access(
    pmem: &PmemDevice,
    pgoff: PageOffset,
    nr_pages: usize,
    mode: AccessMode,
) -> Result<Translation> {
    let (mut kaddr, mut pfn) = (core::ptr::null_mut(), 0);
    let nr_pages = c_long::try_from(nr_pages).unwrap_or(c_long::MAX);
    // CAST: A `PmemDevice` begins with the fields of `struct pmem_device` that C reads.
    // SAFETY:
    // - The device is borrowed until the function returns, and C does not write to it.
    // - `kaddr` and `pfn` are local variables.
    let pages = unsafe {
        __pmem_direct_access(
            core::ptr::from_ref(pmem).cast_mut().cast(),
            pgoff.pages(),
            nr_pages,
            mode.as_raw(),
            &mut kaddr,
            &mut pfn,
        )
    };
    let Ok(pages) = usize::try_from(pages) else {
        to_result(pages as c_int)?;
        return Err(EIO);
    };
    let kaddr = NonNull::new(kaddr.cast()).ok_or(EIO)?;
    // SAFETY: The function that overrides the driver's has answered that these pages of the device,
    // from this frame on, may be accessed: it answers for one page at a time of memory that is not
    // contiguous.
    unsafe { translation(kaddr, Pfn::new(pfn), pages) }
}

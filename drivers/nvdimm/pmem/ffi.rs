// SPDX-License-Identifier: GPL-2.0

//! Where the driver touches C and raw memory.
//!
//! `__pmem_direct_access()` is a symbol of the C ABI which another object of the module may
//! override: `tools/testing/nvdimm` of the kernel tree does, because the memory that it simulates
//! is not contiguous. In C the default is a `__weak` function. Rust has no stable attribute for
//! that, but an alias with weak binding, made by the assembler, is the same to the linker.

use super::{
    dax,
    device::PmemDevice,
    failure::Handler,
    geometry::DeviceOffset, //
};
use core::{
    mem::offset_of,
    ptr::NonNull, //
};
use kernel::{
    device::Core,
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
    memremap::{
        self,
        Mapping,
        PageMap, //
    },
    nvdimm::Device,
    pmem::MappedRange,
    units::{
        Pfn,
        PhysAddr,
        PhysRange,
        PAGE_SIZE, //
    }, //
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
    ".set __pmem_direct_access, {default}",
    default = sym default_direct_access,
);

/// Whether what another `__pmem_direct_access()` reads is where C expects it.
pub(crate) const fn is_c_layout(offsets: [usize; 7]) -> bool {
    let c = [
        offset_of!(bindings::pmem_device, phys_addr),
        offset_of!(bindings::pmem_device, data_offset),
        offset_of!(bindings::pmem_device, virt_addr),
        offset_of!(bindings::pmem_device, size),
        offset_of!(bindings::pmem_device, pfn_pad),
        offset_of!(bindings::pmem_device, bb_state),
        offset_of!(bindings::pmem_device, bb),
    ];
    let mut i = 0;
    while i < c.len() {
        if offsets[i] != c[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// Translates a page of the device to the memory that holds it, as the module has been linked to.
#[inline]
pub(crate) fn direct_access(
    pmem: &PmemDevice,
    pgoff: PageOffset,
    nr_pages: usize,
    mode: AccessMode,
) -> Result<Translation> {
    let (mut kaddr, mut pfn) = (core::ptr::null_mut(), 0);
    let nr_pages = c_long::try_from(nr_pages).unwrap_or(c_long::MAX);
    // CAST: A `PmemDevice` begins as C expects it, and C does not write to it.
    // SAFETY: The device is valid, and the rest are local variables.
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
    // SAFETY: The function returned that many pages of the mapping of `pmem`, which is undone after its
    // DAX device was killed (see `Published`), and their frames, which it made from the same offset.
    unsafe { Translation::new(kaddr, Pfn::new(pfn), pages) }
}

/// The `__pmem_direct_access()` of this driver.
///
/// # Safety
///
/// `pmem` must lead to a [`PmemDevice`] which is valid; `kaddr` and `pfn` must each be NULL or valid for
/// a write.
unsafe extern "C" fn default_direct_access(
    pmem: *mut c_void,
    pgoff: c_ulong,
    nr_pages: c_long,
    mode: bindings::dax_access_mode,
    kaddr: *mut *mut c_void,
    pfn: *mut c_ulong,
) -> c_long {
    // SAFETY: The caller ensures that it is a `PmemDevice`, and valid.
    let pmem = unsafe { &*pmem.cast::<PmemDevice>() };
    let usable = || {
        let at = dax::offset(PageOffset::new(pgoff))?;
        let wanted = u64::try_from(nr_pages).map_err(|_| EINVAL)?;
        let pages = dax::usable_pages(pmem, at, wanted, AccessMode::from_raw(mode))?;
        Ok((pmem.geometry().locate(at), pages))
    };
    match usable() {
        Ok((at, pages)) => {
            if !kaddr.is_null() {
                // SAFETY: The caller ensures that it is valid for a write.
                unsafe { *kaddr = pmem.mapping().at(at.0 as usize).as_ptr().cast() };
            }
            if !pfn.is_null() {
                // SAFETY: The caller ensures that it is valid for a write.
                unsafe { *pfn = Pfn::from_phys(pmem.phys(at).0).number() };
            }
            pages as c_long
        }
        Err(e) => Error::to_errno(e) as c_long,
    }
}

/// Maps the memory of a namespace: with `struct page`s if there is a map, else all of `range`.
pub(crate) fn map(
    dev: &Device<Core<'_>>,
    range: PhysRange,
    map: Option<Pin<KBox<PageMap<Handler>>>>,
) -> Result<Mapping> {
    match map {
        Some(map) => map.map(dev.as_ref()),
        None => memremap::remap(dev.as_ref(), range),
    }
}

/// The memory of the `len` bytes from `at` on, which must be on the device.
#[inline]
pub(crate) fn window(pmem: &PmemDevice, at: DeviceOffset, len: usize) -> MappedRange<'_> {
    // SAFETY:
    // - The bytes are on the device: who calls this has checked it, or got a bio, for which the
    //   block layer has checked it against the capacity.
    // - The device is bound: what leads here are operations of the disk and of the DAX device,
    //   which are both gone before the mapping is (see `Published`). Other references to a
    //   `PmemDevice` do no I/O.
    unsafe { pmem.mapping().window(at.0 as usize, len) }
}

/// Drops what the CPU caches hold of the `len` bytes from `at` on.
pub(crate) fn invalidate(pmem: &PmemDevice, at: DeviceOffset, len: u32) {
    // SAFETY: As in `window`.
    unsafe { pmem.mapping().invalidate(at.0 as usize, len as usize) };
}

/// Clears the mark of having failed from the pages that lie in the `len` bytes from `at` on.
pub(crate) fn unmark_pages(pmem: &PmemDevice, at: DeviceOffset, len: u32) {
    if !pmem.has_hwpoison() {
        return;
    }
    let start = pmem.phys(at).0;
    let first = start.next_multiple_of(PAGE_SIZE);
    for phys in (first..start + u64::from(len)).step_by(PAGE_SIZE as usize) {
        if start + u64::from(len) - phys < PAGE_SIZE {
            break;
        }
        // SAFETY: Memory of the device that is in the direct map has `struct page`s: it was mapped
        // by a `PageMap`, or is RAM. It stays mapped as in `window`.
        unsafe { memremap::clear_hwpoison(PhysAddr(phys)) };
    }
}

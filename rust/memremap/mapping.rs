// SPDX-License-Identifier: GPL-2.0

//! Claiming physical memory, and mapping it without `struct page`s.

use crate::{
    bindings,
    units::PhysRange, //
};
use core::ptr::NonNull;
use kernel::{
    device::{
        Bound,
        Device, //
    },
    error::from_err_ptr,
    ffi::c_ulong,
    prelude::*,
    str::CStr, //
};

/// Physical memory that a driver has claimed for a device.
///
/// # Invariants
///
/// `range` is claimed in `/proc/iomem` for `dev`, and stays so until `dev` is unbound. So it is not
/// memory that the page allocator hands out, and no other driver claims it.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::memremap::{remap, Claimed, Mapping};
///
/// fn map_all(claimed: &Claimed<'_>) -> Result<Mapping> {
///     remap(claimed)
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Claimed<'a> {
    dev: &'a Device<Bound>,
    range: PhysRange,
}

impl<'a> Claimed<'a> {
    /// The device for which the memory is claimed.
    #[inline]
    pub fn device(&self) -> &'a Device<Bound> {
        self.dev
    }

    /// The memory.
    #[inline]
    pub fn range(&self) -> PhysRange {
        self.range
    }
}

/// Claims `range` in `/proc/iomem` under `name`. May sleep.
///
/// Fails with `EBUSY` if a part of it is claimed already.
///
/// # Safety
///
/// C keeps the pointer to `name`: the string must stay as it is until `dev` has been unbound.
pub unsafe fn request_region<'a>(
    dev: &'a Device<Bound>,
    range: PhysRange,
    name: &CStr,
) -> Result<Claimed<'a>> {
    // SAFETY:
    // - The device is bound as its type says, so the claim ends with the binding.
    // - The caller ensures that the name lasts as long.
    // - `iomem_resource` is a static variable of C.
    let res = unsafe {
        bindings::__devm_request_region(
            as_raw(dev),
            &raw mut bindings::iomem_resource,
            range.start().0,
            range.bytes(),
            name.as_char_ptr(),
        )
    };
    if res.is_null() {
        return Err(EBUSY);
    }
    // INVARIANT: Just claimed.
    Ok(Claimed { dev, range })
}

/// Claimed physical memory that is mapped into the kernel.
///
/// # Invariants
///
/// Until the device is unbound for which the mapping was made:
///
/// - the physical memory `range` is mapped at `base` for reading and writing, but for pages that
///   the kernel unmaps because of a memory error;
/// - `range` is claimed for that device.
///
/// # Examples
///
/// ```
/// use kernel_ext::memremap::Mapping;
///
/// fn bytes_in_direct_map(mapping: &Mapping) -> u64 {
///     if mapping.is_vmalloc() {
///         0
///     } else {
///         mapping.range().bytes()
///     }
/// }
/// ```
pub struct Mapping {
    base: NonNull<u8>,
    range: PhysRange,
}

impl Mapping {
    /// # Safety
    ///
    /// Until `claimed.device()` is unbound, the memory `range` must be mapped at `base` for reading
    /// and writing, but for pages that the kernel unmaps because of a memory error. `range` must
    /// be a part of the claimed memory.
    pub(super) unsafe fn new(base: NonNull<u8>, range: PhysRange, _claimed: &Claimed<'_>) -> Self {
        // INVARIANT: The caller ensures that the memory is mapped, and claimed by the invariants of
        // `Claimed`.
        Self { base, range }
    }

    /// The address of the first byte.
    #[inline]
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// The physical memory.
    #[inline]
    pub fn range(&self) -> PhysRange {
        self.range
    }

    /// Whether the mapping is in the vmalloc area instead of the direct map.
    pub fn is_vmalloc(&self) -> bool {
        // SAFETY: The function takes any address.
        unsafe { bindings::is_vmalloc_addr(self.base.as_ptr().cast()) }
    }
}

/// Maps claimed memory without `struct page`s, as persistent memory. May sleep.
pub fn remap(claimed: &Claimed<'_>) -> Result<Mapping> {
    let range = claimed.range();
    // SAFETY: The device is bound as its type says, so the mapping ends with the binding. The
    // function takes any range, and refuses one that it cannot map.
    let addr = from_err_ptr(unsafe {
        bindings::devm_memremap(
            as_raw(claimed.device()),
            range.start().0,
            range.bytes() as usize,
            bindings::ARCH_MEMREMAP_PMEM as c_ulong,
        )
    })?;
    let base = NonNull::new(addr.cast()).ok_or(ENXIO)?;
    // SAFETY: The kernel has mapped all of the claimed range there until the device is unbound,
    // with the attributes of memory, which may be read and written.
    Ok(unsafe { Mapping::new(base, range, claimed) })
}

/// The device as C names it.
pub(super) fn as_raw(dev: &Device<Bound>) -> *mut bindings::device {
    // CAST: `Device` is transparent to `struct device`.
    core::ptr::from_ref(dev)
        .cast::<bindings::device>()
        .cast_mut()
}

// SPDX-License-Identifier: GPL-2.0

//! Mapping physical ranges that are not RAM of the system, with or without `struct page`s.
//!
//! The mappings are managed by the device they are made for: they go when its driver is unbound,
//! after its `remove` and after everything that was registered with the device later.
//!
//! C headers: [`include/linux/memremap.h`](srctree/include/linux/memremap.h),
//! [`include/linux/io.h`](srctree/include/linux/io.h)

#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
mod hold;

#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub use hold::{
    Frames,
    Hold, //
};

use crate::{
    bindings,
    error::eopnotsupp,
    pmem::MappedRange,
    units::{
        PhysAddr,
        PhysRange, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    device::{
        Bound,
        Device, //
    },
    error::from_err_ptr,
    ffi::{
        c_int,
        c_ulong, //
    },
    prelude::*,
    str::CStr,
    types::Opaque, //
};

/// Physical memory that is mapped into the kernel.
///
/// # Invariants
///
/// The `len` bytes at `base` are mapped for as long as the device is bound for which the mapping
/// was made, but for pages that the kernel unmaps because of a memory error; whoever made the
/// mapping uses it no longer than that.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Mapping(NonNull<u8>);

impl Mapping {
    /// The `len` bytes from `offset` on.
    ///
    /// # Safety
    ///
    /// They must be inside the mapping, and the device be bound for the lifetime `'a`.
    #[inline]
    pub unsafe fn window<'a>(self, offset: usize, len: usize) -> MappedRange<'a> {
        // SAFETY: The caller ensures that the bytes are inside of what is mapped during `'a`. They
        // are device memory, so no Rust code refers to them.
        unsafe { MappedRange::from_raw(self.at(offset), len) }
    }

    /// The address of the byte at `offset`, which must be inside the mapping to be of use.
    #[inline]
    pub fn at(self, offset: usize) -> NonNull<u8> {
        let addr = self.0.as_ptr().wrapping_add(offset);
        // SAFETY: The kernel's mappings do not reach up to the end of the address space, so that
        // an offset inside of one does not lead to NULL; one outside is not dereferenced.
        unsafe { NonNull::new_unchecked(addr) }
    }

    /// Whether the mapping is in the vmalloc area instead of the direct map.
    pub fn is_vmalloc(self) -> bool {
        // SAFETY: The function takes any address.
        unsafe { bindings::is_vmalloc_addr(self.0.as_ptr().cast()) }
    }

    /// Drops what the CPU caches hold of the `len` bytes from `offset` on.
    ///
    /// # Safety
    ///
    /// As for [`Mapping::window`].
    pub unsafe fn invalidate(self, offset: usize, len: usize) {
        // SAFETY: The caller ensures that the bytes are mapped.
        unsafe { bindings::arch_invalidate_pmem(self.at(offset).as_ptr().cast(), len) };
    }
}

// SAFETY: A mapping is an address that holds for all of the kernel.
unsafe impl Send for Mapping {}
// SAFETY: As for `Send`.
unsafe impl Sync for Mapping {}

/// Claims `range` in `/proc/iomem` under `name`. May sleep.
///
/// Fails with `EBUSY` if somebody else has a part of it.
///
/// # Safety
///
/// Nobody copies the name: it must stay what it is for as long as `dev` is bound.
pub unsafe fn request_region(dev: &Device<Bound>, range: PhysRange, name: &CStr) -> Result {
    // SAFETY: The device is bound, so the claim ends with the binding; the caller ensures that the
    // name lasts as long.
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
    Ok(())
}

/// Maps `range` without `struct page`s, as persistent memory.
pub fn remap(dev: &Device<Bound>, range: PhysRange) -> Result<Mapping> {
    // SAFETY: The device is bound, so the mapping ends with the binding.
    let addr = from_err_ptr(unsafe {
        bindings::devm_memremap(
            as_raw(dev),
            range.start().0,
            range.bytes() as usize,
            bindings::ARCH_MEMREMAP_PMEM as c_ulong,
        )
    })?;
    // INVARIANT: The kernel has mapped it.
    NonNull::new(addr.cast()).map(Mapping).ok_or(ENXIO)
}

/// What the driver does about memory that fails.
pub trait MemoryFailure: Send + Sync + 'static {
    /// The `bytes` bytes at `start` failed.
    ///
    /// `mf_flags` are the `MF_*` flags of memory failure handling. With `EOPNOTSUPP` the caller
    /// kills whoever has the memory mapped. May sleep.
    fn memory_failure(&self, start: PhysAddr, bytes: u64, mf_flags: c_int) -> Result;
}

/// A range of device memory with `struct page`s (`struct dev_pagemap`), for filesystem DAX.
///
/// It is prepared in a box, and mapped by giving the box up.
#[pin_data]
#[repr(C)]
pub struct PageMap<F: MemoryFailure> {
    #[pin]
    map: Opaque<bindings::dev_pagemap>,
    failure: F,
}

// SAFETY: Before it is mapped, the map is plain data; after that only C has it.
unsafe impl<F: MemoryFailure> Send for PageMap<F> {}

impl<F: MemoryFailure> PageMap<F> {
    const OPERATIONS: bindings::dev_pagemap_ops = bindings::dev_pagemap_ops {
        memory_failure: Some(memory_failure::<F>),
        ..pin_init::zeroed()
    };

    /// An empty map, to be filled by C. May sleep.
    pub fn new(failure: F) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(
            pin_init!(Self {
                map <- Opaque::ffi_init(|map: *mut bindings::dev_pagemap| {
                    // SAFETY: The memory is valid for the structure, which is plain data.
                    unsafe { map.write_bytes(0, 1) }
                }),
                failure,
            }),
            GFP_KERNEL,
        )
    }

    /// The map as C names it.
    pub fn as_raw(self: Pin<&mut Self>) -> *mut bindings::dev_pagemap {
        self.map.get()
    }

    /// The range that is to be mapped.
    pub fn range(&self) -> Option<PhysRange> {
        // SAFETY: The map is initialized; a map of one range has it in place.
        let range = unsafe { *(*self.map.get()).__bindgen_anon_1.range.as_ref() };
        PhysRange::new(PhysAddr(range.start), PhysAddr(range.end))
    }

    /// Sets the range that is to be mapped.
    pub fn set_range(self: Pin<&mut Self>, range: PhysRange) {
        let map = self.as_raw();
        // SAFETY: The map is initialized, and not in use yet.
        unsafe {
            *(*map).__bindgen_anon_1.range.as_mut() = bindings::range {
                start: range.start().0,
                end: range.last().0,
            };
            (*map).nr_range = 1;
        }
    }

    /// Maps the range for as long as `dev` is bound. May sleep.
    pub fn map(mut self: Pin<KBox<Self>>, dev: &Device<Bound>) -> Result<Mapping> {
        let map = self.as_mut().as_raw();
        // SAFETY: The map is initialized, and not in use yet; the table is static.
        unsafe {
            (*map).type_ = bindings::memory_type_MEMORY_DEVICE_FS_DAX;
            (*map).ops = &Self::OPERATIONS;
            (*map).owner = map.cast();
        }
        // What is registered first is given back last: the box outlives the mapping.
        kernel::devres::register(dev, Kept(self), GFP_KERNEL)?;
        // SAFETY: The device is bound. The map is in the box, which the device keeps until the
        // mapping, which comes after it in the list of managed resources, has been undone.
        let addr = from_err_ptr(unsafe { bindings::devm_memremap_pages(as_raw(dev), map) })?;
        // INVARIANT: The kernel has mapped it.
        NonNull::new(addr.cast()).map(Mapping).ok_or(ENXIO)
    }
}

/// A map that C uses until it is dropped.
struct Kept<F: MemoryFailure>(#[expect(dead_code)] Pin<KBox<PageMap<F>>>);

/// Hands a memory failure to the driver.
///
/// # Safety
///
/// Only for memory failure handling: `map` must be that of a [`PageMap<F>`] which is mapped and
/// stays so until this returns.
unsafe extern "C" fn memory_failure<F: MemoryFailure>(
    map: *mut bindings::dev_pagemap,
    pfn: c_ulong,
    nr_pages: c_ulong,
    mf_flags: c_int,
) -> c_int {
    // CAST: The map is the first member of a `repr(C)` structure, and `Opaque` is transparent.
    // SAFETY: The caller ensures that the structure is valid; of a map in use there are only
    // shared references.
    let failure = unsafe { &(*map.cast::<PageMap<F>>()).failure };
    let bytes = |pages: c_ulong| (pages as u64).checked_mul(crate::units::PAGE_SIZE);
    let result = match (bytes(pfn), bytes(nr_pages)) {
        (Some(start), Some(bytes)) => failure.memory_failure(PhysAddr(start), bytes, mf_flags),
        _ => Err(eopnotsupp()),
    };
    match result {
        Ok(()) => 0,
        Err(e) => e.to_errno(),
    }
}

/// Clears the mark that the page which holds `phys` has failed, and maps it again for everybody.
///
/// The memory must have been repaired. Nothing happens if the page had no mark.
///
/// # Safety
///
/// There must be a `struct page` for the address.
pub unsafe fn clear_hwpoison(phys: PhysAddr) {
    let pfn = (phys.0 >> crate::units::PAGE_SHIFT) as c_ulong;
    // SAFETY: The caller ensures that there is a `struct page`.
    if unsafe { bindings::test_and_clear_hwpoison(pfn) } {
        // SAFETY: Takes any frame of the direct map.
        unsafe { bindings::clear_mce_nospec(pfn) };
    }
}

fn as_raw(dev: &Device<Bound>) -> *mut bindings::device {
    // CAST: `Device` is transparent to `struct device`.
    core::ptr::from_ref(dev)
        .cast::<bindings::device>()
        .cast_mut()
}

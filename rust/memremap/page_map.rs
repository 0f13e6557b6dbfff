// SPDX-License-Identifier: GPL-2.0

//! Mapping device memory with `struct page`s (`struct dev_pagemap`).

use super::mapping::{
    as_raw,
    Claimed,
    Mapping, //
};
use crate::{
    bindings,
    error::eopnotsupp,
    units::{
        Pfn,
        PhysAddr,
        PhysRange,
        PAGE_SIZE, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    devres,
    error::from_err_ptr,
    ffi::{
        c_int,
        c_ulong, //
    },
    prelude::*,
    types::Opaque, //
};

/// How a driver reacts to memory that fails.
///
/// # Examples
///
/// ```
/// use kernel::{ffi::c_int, prelude::*};
/// use kernel_ext::{error::eopnotsupp, memremap::MemoryFailure, units::PhysAddr};
///
/// struct KillTasks;
///
/// impl MemoryFailure for KillTasks {
///     fn memory_failure(&self, _start: PhysAddr, _bytes: u64, _mf_flags: c_int) -> Result {
///         Err(eopnotsupp())
///     }
/// }
/// ```
pub trait MemoryFailure: Send + Sync + 'static {
    /// Reacts to the failure of the `bytes` bytes at `start`.
    ///
    /// `mf_flags` are the `MF_*` flags of memory failure handling. With `EOPNOTSUPP` the caller
    /// kills the tasks that have the memory mapped. May sleep.
    fn memory_failure(&self, start: PhysAddr, bytes: u64, mf_flags: c_int) -> Result;
}

/// A range of device memory with `struct page`s (`struct dev_pagemap`), for filesystem DAX.
///
/// It is prepared in a box, and mapped by giving the box up.
///
/// # Invariants
///
/// - `map` is initialized, and not in use by C as long as there is a `Pin<KBox<Self>>` outside of
///   this module.
/// - `map.nr_range` is 0, or it is 1 and the range is in place (`map.range`).
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::memremap::{Claimed, Mapping, MemoryFailure, PageMap};
///
/// fn map_all<F: MemoryFailure>(claimed: &Claimed<'_>, failure: F) -> Result<Mapping> {
///     let mut map = PageMap::new(failure)?;
///     map.as_mut().set_range(claimed.range());
///     map.map(claimed)
/// }
/// ```
#[pin_data]
#[repr(C)]
pub struct PageMap<F: MemoryFailure> {
    #[pin]
    map: Opaque<bindings::dev_pagemap>,
    failure: F,
}

// SAFETY: Until it is mapped, the map is plain data that only its owner has; afterwards only C uses
// it. The handler is `Send` itself.
unsafe impl<F: MemoryFailure> Send for PageMap<F> {}

impl<F: MemoryFailure> PageMap<F> {
    const OPERATIONS: bindings::dev_pagemap_ops = bindings::dev_pagemap_ops {
        memory_failure: Some(memory_failure::<F>),
        ..pin_init::zeroed()
    };

    /// A map without a range. May sleep.
    pub fn new(failure: F) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(
            pin_init!(Self {
                // INVARIANT: Zeros are a map without a range.
                map <- Opaque::ffi_init(|map: *mut bindings::dev_pagemap| {
                    // SAFETY: `ffi_init` passes memory for the structure, for which zeros are
                    // valid.
                    unsafe { map.write_bytes(0, 1) }
                }),
                failure,
            }),
            GFP_KERNEL,
        )
    }

    /// The range that is to be mapped, if it is set.
    pub fn range(&self) -> Option<PhysRange> {
        let map = self.map.get();
        // SAFETY: By the type invariants the map is initialized.
        if unsafe { (*map).nr_range } == 0 {
            return None;
        }
        // SAFETY: By the type invariants the map is initialized and has one range, in place.
        let range = unsafe { *(*map).__bindgen_anon_1.range.as_ref() };
        PhysRange::new(PhysAddr(range.start), PhysAddr(range.end))
    }

    /// Sets the range that is to be mapped; the `struct page`s are allocated from RAM.
    pub fn set_range(self: Pin<&mut Self>, range: PhysRange) {
        let map = self.map.get();
        // SAFETY: By the type invariants the map is initialized, and not in use. Zeros are valid
        // for it.
        // INVARIANT: The map has one range, in place.
        unsafe {
            map.write_bytes(0, 1);
            *(*map).__bindgen_anon_1.range.as_mut() = bindings::range {
                start: range.start().0,
                end: range.last().0,
            };
            (*map).nr_range = 1;
        }
    }

    /// Lets `fill` describe the memory, in a map of zeros.
    ///
    /// Fails as `fill` does, or with `EINVAL` unless it describes one range.
    ///
    /// # Safety
    ///
    /// `fill` may set the range, and the `altmap` with its flag; the kernel must be able to keep
    /// the `struct page`s where the `altmap` says.
    pub unsafe fn fill_with(
        self: Pin<&mut Self>,
        fill: impl FnOnce(*mut bindings::dev_pagemap) -> Result,
    ) -> Result {
        let map = self.map.get();
        // SAFETY: By the type invariants the map is initialized, and not in use. Zeros are valid
        // for it.
        unsafe { map.write_bytes(0, 1) };
        let filled = fill(map);
        // SAFETY: By the type invariants the map is initialized.
        let ranges = unsafe { &mut (*map).nr_range };
        match (filled, *ranges) {
            (Ok(()), 1) => Ok(()),
            (filled, _) => {
                // INVARIANT: The map has no range.
                *ranges = 0;
                filled.and(Err(EINVAL))
            }
        }
    }

    /// Maps the range for as long as the device is bound. May sleep.
    ///
    /// Fails with `EINVAL` if the range is not set, or not a part of the claimed memory.
    pub fn map(self: Pin<KBox<Self>>, claimed: &Claimed<'_>) -> Result<Mapping> {
        let (range, dev) = (self.range().ok_or(EINVAL)?, claimed.device());
        let within = claimed.range();
        if range.start() < within.start() || range.last() > within.last() {
            return Err(EINVAL);
        }
        let map = self.map.get();
        // SAFETY:
        // - By the type invariants the map is initialized, and C does not use it before it is mapped
        //   below, for which this function owns it.
        // - The table is a constant.
        unsafe {
            (*map).type_ = bindings::memory_type_MEMORY_DEVICE_FS_DAX;
            (*map).ops = &Self::OPERATIONS;
            (*map).owner = map.cast();
        }
        // Managed resources are released in reverse order: the box outlives the mapping.
        devres::register(dev, Kept(self), GFP_KERNEL)?;
        // SAFETY:
        // - The device is bound as its type says, so the mapping ends with the binding.
        // - The map stays in its box, which the device releases after the mapping.
        // - The functions of the table are those of a `PageMap<F>`, which the map is part of.
        let addr = from_err_ptr(unsafe { bindings::devm_memremap_pages(as_raw(dev), map) })?;
        let base = NonNull::new(addr.cast()).ok_or(ENXIO)?;
        // SAFETY: The kernel has mapped the range there until the device is unbound, as memory that
        // may be read and written. It is a part of the claimed memory, as checked above.
        Ok(unsafe { Mapping::new(base, range, claimed) })
    }
}

/// A map that C uses until it is dropped.
struct Kept<F: MemoryFailure>(#[expect(dead_code)] Pin<KBox<PageMap<F>>>);

/// Hands a memory failure to the driver.
///
/// # Safety
///
/// Only for memory failure handling: `map` must be that of a [`PageMap<F>`], and must stay mapped
/// until this returns.
unsafe extern "C" fn memory_failure<F: MemoryFailure>(
    map: *mut bindings::dev_pagemap,
    pfn: c_ulong,
    nr_pages: c_ulong,
    mf_flags: c_int,
) -> c_int {
    // CAST: The map is the first member of a `repr(C)` structure, and `Opaque` is transparent.
    // SAFETY:
    // - The caller ensures that the map is part of a `PageMap<F>`.
    // - The caller ensures that the map stays mapped until this returns. The device releases the box
    //   with the structure after the mapping, and until then all code shares the structure.
    let failure = unsafe { &(*map.cast::<PageMap<F>>()).failure };
    let bytes = |pages: c_ulong| (pages as u64).checked_mul(PAGE_SIZE);
    let result = match (bytes(pfn), bytes(nr_pages)) {
        (Some(start), Some(bytes)) => failure.memory_failure(PhysAddr(start), bytes, mf_flags),
        _ => Err(eopnotsupp()),
    };
    match result {
        Ok(()) => 0,
        Err(e) => e.to_errno(),
    }
}

/// Clears the mark that the page has failed, and maps it into the direct map again.
///
/// The memory must have been repaired. Nothing happens if the page has no mark.
///
/// # Safety
///
/// There must be a `struct page` for the frame, and it must stay until this returns.
pub unsafe fn clear_hwpoison(pfn: Pfn) {
    let pfn = pfn.number() as c_ulong;
    // SAFETY: The caller ensures that there is a `struct page`.
    if unsafe { bindings::test_and_clear_hwpoison(pfn) } {
        // SAFETY: The frame is in the direct map, as are all that have a `struct page`; the
        // function restores the attributes that it has there.
        unsafe { bindings::clear_mce_nospec(pfn) };
    }
}

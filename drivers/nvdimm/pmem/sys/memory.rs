// SPDX-License-Identifier: GPL-2.0

//! The mapped memory of a device, and checked access to it.

use super::lease::Lease;
use crate::geometry::{
    DataOffset,
    Geometry, //
};
use core::ptr::NonNull;
use kernel::{
    devres,
    prelude::*,
    sync::Arc, //
};
use kernel_ext::{
    dax::Translation,
    memremap::{
        self,
        Claimed,
        MemoryFailure,
        PageMap, //
    },
    pmem::MappedRange,
    units::Pfn, //
};

/// The memory of a device: its layout, and where it is mapped.
///
/// # Invariants
///
/// As long as this exists:
///
/// - The lease keeps the mapping, and the claim on the memory.
/// - The physical memory `geometry.data_range()` is mapped at `data` for reading and writing, but
///   for pages that the kernel unmaps because of a memory error.
/// - No reference or slice of Rust leads to it.
pub(crate) struct Memory {
    data: NonNull<u8>,
    geometry: Geometry,
    in_direct_map: bool,
    _lease: Lease,
}

// SAFETY: The memory is mapped on all CPUs, and only `MappedRange` accesses it.
unsafe impl Send for Memory {}
// SAFETY: The memory is mapped on all CPUs, and only `MappedRange` accesses it.
unsafe impl Sync for Memory {}

/// Maps claimed memory, with `struct page`s if there is a map, and gives it to `publish`. The
/// device of the claim keeps the value that `publish` makes until it is unbound.
///
/// Fails with `EINVAL` if the memory that is mapped is not the one that `geometry` is about.
///
/// The unbinding waits until the [`Memory`] has been dropped, so the value has to drop it, and by
/// then must have ended all operations that use it.
pub(crate) fn with_memory<F: MemoryFailure, T: Send + Sync + 'static>(
    claimed: &Claimed<'_>,
    map: Option<Pin<KBox<PageMap<F>>>>,
    geometry: Geometry,
    publish: impl FnOnce(Memory) -> Result<T>,
) -> Result<Arc<T>> {
    let memory = Memory::map(claimed, map, geometry)?;
    let published = Arc::new(publish(memory)?, GFP_KERNEL)?;
    // Managed resources are released in reverse order: the value first, then the lease, the
    // mapping, and the claim.
    devres::register(claimed.device(), published.clone(), GFP_KERNEL)?;
    Ok(published)
}

impl Memory {
    /// Maps claimed memory; see [`with_memory`].
    fn map<F: MemoryFailure>(
        claimed: &Claimed<'_>,
        map: Option<Pin<KBox<PageMap<F>>>>,
        geometry: Geometry,
    ) -> Result<Self> {
        let mapping = match map {
            Some(map) => map.map(claimed)?,
            None => memremap::remap(claimed)?,
        };
        let lease = Lease::take(claimed.device())?;
        let (mapped, data) = (mapping.range(), geometry.data_range());
        if mapped.start() != geometry.phys_start() || mapped.last() != data.last() {
            return Err(EINVAL);
        }
        // SAFETY: As just checked, the data begins inside of the mapping, `data_offset` bytes after
        // its start.
        let start = unsafe { mapping.base().add(geometry.data_offset() as usize) };
        // INVARIANT:
        // - The lease was taken after the memory had been claimed and mapped.
        // - By the type invariants of `Mapping` its range, of which the data is a part, is mapped
        //   until the device gives the mapping up.
        // - The range is claimed for the device, so Rust's allocators do not have it.
        Ok(Self {
            data: start,
            geometry,
            in_direct_map: !mapping.is_vmalloc(),
            _lease: lease,
        })
    }

    /// The layout of the memory.
    #[inline]
    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Whether the memory is in the direct map, where pages can be marked as failed.
    pub(crate) fn is_in_direct_map(&self) -> bool {
        self.in_direct_map
    }

    /// The address at which C expects the first byte of the mapping.
    pub(super) fn mapped_addr(&self) -> usize {
        self.data.as_ptr().expose_provenance() - self.geometry.data_offset() as usize
    }

    /// The address of a byte of the data, or of the end.
    ///
    /// # Safety
    ///
    /// `at` must not be past the end of the data.
    #[inline]
    unsafe fn addr(&self, at: DataOffset) -> NonNull<u8> {
        // SAFETY:
        // - The caller ensures that the offset is inside of the data, or at its end.
        // - By the type invariants all of the data is mapped, so its addresses do not wrap.
        unsafe { self.data.add(at.0 as usize) }
    }

    /// The `len` bytes from `at` on, or [`None`] if they are not all data.
    #[inline]
    pub(crate) fn window(&self, at: DataOffset, len: usize) -> Option<MappedRange<'_>> {
        if !self.geometry.contains(at, len as u64) {
            return None;
        }
        // SAFETY:
        // - The bytes are data, as just checked.
        // - By the type invariants the data is mapped as long as `self` exists, which is borrowed,
        //   and no reference of Rust leads to it.
        Some(unsafe { MappedRange::from_raw(self.addr(at), len) })
    }

    /// The whole pages of data from `at` on, or [`None`] if there is none.
    #[inline]
    pub(crate) fn pages_from(&self, at: DataOffset) -> Option<DataPages<'_>> {
        // INVARIANT: The geometry has counted them.
        self.geometry.pages_from(at).map(|pages| DataPages {
            memory: self,
            at,
            pages,
        })
    }
}

/// Pages of the data of a device.
///
/// # Invariants
///
/// The `pages` pages from `at` on are data of `memory`.
pub(crate) struct DataPages<'a> {
    memory: &'a Memory,
    at: DataOffset,
    pages: u64,
}

impl DataPages<'_> {
    /// The number of pages.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.pages
    }

    /// The first `pages` of the pages, or all if there are fewer.
    #[inline]
    pub(crate) fn up_to(self, pages: u64) -> Self {
        // INVARIANT: These are some of the pages.
        Self {
            pages: self.pages.min(pages),
            ..self
        }
    }

    /// The address of the first page, its frame, and the number of pages, for the DAX core.
    ///
    /// Fails with `ERANGE` if there is no page.
    #[inline]
    pub(crate) fn translation(&self) -> Result<Translation> {
        let pfn = Pfn::from_phys(self.memory.geometry.phys(self.at).0);
        // SAFETY: By the type invariants the pages, which begin there, are data.
        let kaddr = unsafe { self.memory.addr(self.at) };
        // SAFETY:
        // - By the type invariants the pages are data of `memory`, which the DAX device's data
        //   owns: it is dropped, and unmapped, after the DAX device has been killed.
        // - The frame is the one of the first page, and the physical memory is contiguous.
        unsafe { translation(kaddr, pfn, self.pages as usize) }
    }
}

/// The answer to a direct access.
///
/// Fails with `ERANGE` if there is no page.
///
/// # Safety
///
/// - The `pages` pages at `kaddr` must be memory of a device that stays mapped until its DAX device
///   has been killed.
/// - They must be the page frames from `pfn` on.
#[inline]
pub(super) unsafe fn translation(
    kaddr: NonNull<u8>,
    pfn: Pfn,
    pages: usize,
) -> Result<Translation> {
    // SAFETY:
    // - The caller ensures that the pages stay mapped until the DAX device has been killed. Only
    //   `MappedRange` and user mappings access them, so that no Rust code refers to them.
    // - The caller ensures that they are the page frames from `pfn` on.
    // - A filesystem gets the device only if the disk says that it has DAX (`Limits::dax`), which it
    //   does if a `PageMap` has mapped the memory, as `MEMORY_DEVICE_FS_DAX`, until the driver is unbound.
    unsafe { Translation::new(kaddr, pfn, pages) }
}

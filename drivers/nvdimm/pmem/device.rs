// SPDX-License-Identifier: GPL-2.0

//! What the driver knows of a pmem device.

use super::{
    ffi,
    geometry::{
        DataOffset,
        DeviceOffset,
        Geometry, //
    }, //
};
use core::mem::offset_of;
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        SetOnce, //
    },
};
use kernel_ext::{
    badblocks::{
        BadBlocks,
        Notifier, //
    },
    dax::DaxDevice,
    memremap::Mapping,
    nvdimm::{
        self,
        Region, //
    },
    pmem::MappedRange,
    units::PhysAddr, //
};

/// A pmem device that is in use.
///
/// It is complete when it is made and does not change any more, but for the lists with a lock of
/// their own and for what can only be known once there is a disk.
///
/// The first fields are those of `struct pmem_device`, which `__pmem_direct_access()` may read in
/// C (`ffi.rs`).
#[pin_data]
#[repr(C)]
pub(crate) struct PmemDevice {
    phys_addr: PhysAddr,
    data_offset: u64,
    virt_addr: Mapping,
    size: usize,
    pfn_pad: u32,
    /// Who polls `badblocks` in sysfs.
    pub(crate) bad_blocks_file: Notifier,
    /// The sectors that are known to be bad.
    #[pin]
    pub(crate) bad_blocks: BadBlocks,
    // End of what C reads.
    /// The region that the namespace is part of.
    pub(crate) region: ARef<Region>,
    /// The device that the driver is bound to.
    pub(crate) dev: ARef<nvdimm::Device>,
    /// The DAX device, if the platform allows one.
    #[pin]
    pub(crate) dax: SetOnce<ARef<DaxDevice>>,
    /// Whether the memory is in the direct map, where pages can be marked as failed.
    in_direct_map: bool,
}

impl PmemDevice {
    /// A device of that layout, which is mapped at `mapping`.
    pub(crate) fn new<'a>(
        dev: &'a nvdimm::Device,
        geometry: Geometry,
        mapping: Mapping,
    ) -> impl PinInit<Self, Error> + 'a {
        const {
            assert!(ffi::is_c_layout([
                offset_of!(Self, phys_addr),
                offset_of!(Self, data_offset),
                offset_of!(Self, virt_addr),
                offset_of!(Self, size),
                offset_of!(Self, pfn_pad),
                offset_of!(Self, bad_blocks_file),
                offset_of!(Self, bad_blocks),
            ]))
        };
        try_pin_init!(Self {
            phys_addr: geometry.phys_start(),
            data_offset: geometry.data_offset(),
            virt_addr: mapping,
            size: geometry.size() as usize,
            pfn_pad: geometry.pad(),
            bad_blocks_file: Notifier::new(),
            bad_blocks <- BadBlocks::new(),
            region: dev.region().into(),
            dev: dev.into(),
            dax: SetOnce::new(),
            in_direct_map: !mapping.is_vmalloc(),
        })
    }

    /// The layout of the device.
    #[inline]
    pub(crate) fn geometry(&self) -> Geometry {
        Geometry::from_parts(
            self.phys_addr,
            self.size as u64,
            self.data_offset,
            self.pfn_pad,
        )
    }

    /// The address of the mapping.
    #[inline]
    pub(crate) fn mapping(&self) -> Mapping {
        self.virt_addr
    }

    /// Whether pages of the device can be marked as failed.
    #[inline]
    pub(crate) fn has_hwpoison(&self) -> bool {
        self.in_direct_map
    }

    /// The memory of the `len` bytes from `at` on, which must be on the device.
    #[inline]
    pub(crate) fn window(&self, at: DataOffset, len: usize) -> MappedRange<'_> {
        ffi::window(self, self.geometry().locate(at), len)
    }

    /// The physical address of a place in the mapping.
    #[inline]
    pub(crate) fn phys(&self, at: DeviceOffset) -> PhysAddr {
        self.geometry().phys(at)
    }
}

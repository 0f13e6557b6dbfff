// SPDX-License-Identifier: GPL-2.0

//! The fields of `struct pmem_device` that C reads.
//!
//! nfit_test overrides `__pmem_direct_access()` by a function in C that gets a pointer to a device
//! and reads these fields. So a `PmemDevice` begins with them.

use super::memory::Memory;
use core::mem::offset_of;
use kernel_ext::{
    bindings,
    units::PhysAddr, //
};

/// The offset of the field `bb_state`, a pointer to a node of sysfs.
pub(crate) const BB_STATE: usize = offset_of!(bindings::pmem_device, bb_state);

/// The offset of the field `bb`, a `struct badblocks`.
pub(crate) const BB: usize = offset_of!(bindings::pmem_device, bb);

/// The fields of `struct pmem_device` before `bb_state`.
#[repr(C)]
pub(crate) struct CFields {
    phys_addr: PhysAddr,
    data_offset: u64,
    virt_addr: usize,
    size: usize,
    pfn_pad: u32,
}

const _: () = {
    assert!(offset_of!(CFields, phys_addr) == offset_of!(bindings::pmem_device, phys_addr));
    assert!(offset_of!(CFields, data_offset) == offset_of!(bindings::pmem_device, data_offset));
    assert!(offset_of!(CFields, virt_addr) == offset_of!(bindings::pmem_device, virt_addr));
    assert!(offset_of!(CFields, size) == offset_of!(bindings::pmem_device, size));
    assert!(offset_of!(CFields, pfn_pad) == offset_of!(bindings::pmem_device, pfn_pad));
};

impl CFields {
    /// The fields for a device with that memory.
    pub(crate) fn of(memory: &Memory) -> Self {
        let geometry = memory.geometry();
        Self {
            phys_addr: geometry.phys_start(),
            data_offset: geometry.data_offset(),
            virt_addr: memory.mapped_addr(),
            size: geometry.size() as usize,
            pfn_pad: geometry.pad(),
        }
    }
}

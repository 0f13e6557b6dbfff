// SPDX-License-Identifier: GPL-2.0

//! The state of a pmem device.

use super::sys::{
    layout::{
        self,
        CFields, //
    },
    memory::Memory, //
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
    nvdimm::{
        NdDevice,
        Region, //
    }, //
};

/// A pmem device that is in use.
///
/// It is complete when it is made and does not change any more, but for the lists with a lock of
/// their own and for the DAX device, which is set once there is one.
///
/// The first fields are those of `struct pmem_device`, which the `__pmem_direct_access()` of
/// nfit_test reads (`sys/access.rs`).
#[pin_data]
#[repr(C)]
pub(crate) struct PmemDevice {
    c: CFields,
    /// The file `badblocks` in sysfs, which tasks poll.
    pub(crate) bad_blocks_file: Notifier,
    /// The sectors that are known to be bad.
    #[pin]
    pub(crate) bad_blocks: BadBlocks,
    // End of the fields of `struct pmem_device`.
    /// The memory, with its layout.
    pub(crate) memory: Memory,
    /// The region that the namespace is part of.
    pub(crate) region: ARef<Region>,
    /// The device that the driver is bound to.
    pub(crate) dev: ARef<NdDevice>,
    /// The DAX device, if the platform allows one.
    #[pin]
    pub(crate) dax: SetOnce<ARef<DaxDevice>>,
}

impl PmemDevice {
    /// A device with that memory, of which no sector is known to be bad.
    pub(crate) fn new(dev: &NdDevice, memory: Memory) -> impl PinInit<Self, Error> + '_ {
        const {
            assert!(offset_of!(Self, c) == 0);
            assert!(offset_of!(Self, bad_blocks_file) == layout::BB_STATE);
            assert!(offset_of!(Self, bad_blocks) == layout::BB);
        };
        try_pin_init!(Self {
            c: CFields::of(&memory),
            bad_blocks_file: Notifier::new(),
            bad_blocks <- BadBlocks::new(),
            memory,
            region: dev.region().into(),
            dev: dev.into(),
            dax: SetOnce::new(),
        })
    }

    /// Adds the sectors that the bus knows to be bad to the list.
    pub(crate) fn populate_bad_blocks(&self) {
        let data = self.memory.geometry().data_range();
        self.region.populate_bad_blocks(&self.bad_blocks, data);
    }
}

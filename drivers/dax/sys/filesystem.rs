// SPDX-License-Identifier: GPL-2.0

//! The filesystem `dax`, whose inodes carry devices.

use super::{
    cdev::Cdev,
    pseudo::{
        FileSystem,
        Fresh,
        Mount,
        Recycled,
        Type, //
    },
    tables, //
};
use crate::{
    device::{
        flag,
        Device,
        DeviceObject, //
    },
    numbers::numbers,
    sys::cdev::DevT, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef,
    warn_on, //
};
use kernel_ext::bindings;

static FILE_SYSTEM: FileSystem<Device> = FileSystem::new();

/// Mounts the filesystem; there are devices once the mount is kept.
pub(crate) fn mount() -> Result<Mount<Device>> {
    FileSystem::mount()
}

/// The device with the number `devt`; one is made, alive and without operations, if there is none.
///
/// `None` if memory is short. Sleeps.
pub(crate) fn get(devt: DevT) -> Option<ARef<DeviceObject>> {
    FILE_SYSTEM.get(devt)
}

impl Recycled for Device {
    const CACHE: &'static CStr = c"dax_cache";

    fn new() -> Self {
        Self::new()
    }
}

// SAFETY: The function returns the one static object `FILE_SYSTEM`.
unsafe impl Type for Device {
    const NAME: &'static CStr = c"dax";
    const MAGIC: usize = bindings::DAXFS_MAGIC as usize;
    const MODE: u16 = bindings::S_IFCHR as u16;
    const FLAGS: u32 = bindings::S_DAX;

    fn filesystem() -> &'static FileSystem<Self> {
        &FILE_SYSTEM
    }

    fn reset(fresh: Fresh<'_, Self>) {
        Self::reset(&fresh);
    }

    fn start(fresh: Fresh<'_, Self>) {
        Self::start(&fresh);
    }

    fn cdev(&self) -> &Cdev {
        &self.cdev
    }

    fn destroy(dev: &DeviceObject) {
        if warn_on!(dev.has(flag::ALIVE)) {
            pr_warn!("kill_dax() must be called before final iput()\n");
        }
        tables::forget(dev);
        if dev.has(flag::MINOR) {
            if let Ok(numbers) = numbers() {
                numbers.free(dev.devt());
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The tables in which devices are found.
//!
//! There is only one object [`Tables`], because destroying a device takes it out of that one.

use super::pseudo::Index;
use crate::{
    device::{
        Device,
        DeviceObject, //
    },
    host::{
        DiskHost,
        HostName, //
    },
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Mutex,
        SetOnce, //
    },
};
use kernel_ext::dax::DiskKey;

/// All devices, and their hosts.
///
/// A device is found from when it is added until it is removed or destroyed, whichever comes first.
pub(crate) struct Tables {
    devices: Index<u32, Device>,
    disks: Index<DiskHost, Device>,
    names: Index<HostName, Device>,
}

static TABLES: SetOnce<Pin<KBox<Mutex<Tables>>>> = SetOnce::new();

/// The tables, or `ENXIO` if the core could not be initialised.
pub(crate) fn tables() -> Result<&'static Mutex<Tables>> {
    // The guard of the mutex needs no pinned reference.
    TABLES.as_ref().map(|tables| &**tables).ok_or(ENXIO)
}

/// Tables that no device can be in yet.
pub(crate) struct Unpublished(Pin<KBox<Mutex<Tables>>>);

impl Unpublished {
    /// Makes empty tables.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY:
        // - Devices are only added to the tables that `tables()` returns, and destroying a device
        //   calls `forget()`, below, on these.
        // - `tables()` returns a mutex around all three.
        let tables = unsafe {
            Tables {
                devices: Index::new(),
                disks: Index::new(),
                names: Index::new(),
            }
        };
        let tables = KBox::pin_init(new_mutex!(tables, "dax_tables"), GFP_KERNEL)?;
        Ok(Self(tables))
    }

    /// Makes these the tables of the core. Only the first call has an effect.
    pub(crate) fn publish(self) {
        TABLES.populate(self.0);
    }
}

/// Takes a device out of the tables, before it is freed.
pub(super) fn forget(dev: &DeviceObject) {
    // Only the root of the filesystem exists before the tables do, and it is in none.
    if let Ok(tables) = tables() {
        let mut tables = tables.lock();
        tables.devices.forget(dev);
        tables.disks.forget(dev);
        tables.names.forget(dev);
    }
}

impl Tables {
    /// Adds a device to the list, under its minor number.
    pub(crate) fn add_device(&mut self, dev: &DeviceObject) -> Result {
        self.devices.insert(dev.devt().minor(), dev)
    }

    /// Makes `disk` the host of `dev`. Fails with `EBUSY` if it is one already.
    pub(crate) fn add_disk(&mut self, disk: DiskHost, dev: &DeviceObject) -> Result {
        self.disks.insert(disk, dev)
    }

    pub(crate) fn remove_disk(&mut self, key: DiskKey) {
        self.disks.remove(&DiskHost::new(key, None));
    }

    pub(crate) fn by_disk(&self, key: DiskKey) -> Option<ARef<DeviceObject>> {
        self.disks.get(&DiskHost::new(key, None))
    }

    /// Makes `name` the host of `dev`. Fails with `EBUSY` if it is one already.
    pub(crate) fn add_name(&mut self, name: HostName, dev: &DeviceObject) -> Result {
        self.names.insert(name, dev)
    }

    pub(crate) fn remove_name(&mut self, name: &HostName) {
        self.names.remove(name);
    }

    pub(crate) fn by_name(&self, name: &HostName) -> Option<ARef<DeviceObject>> {
        self.names.get(name)
    }

    /// All devices with their minor numbers.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (u32, &DeviceObject)> {
        self.devices.iter().map(|(minor, dev)| (*minor, dev))
    }

    /// The name of the host of `dev`, if it has one.
    pub(crate) fn host_of(&self, dev: &DeviceObject) -> Option<HostName> {
        let same = |other: &DeviceObject| core::ptr::eq(other, dev);
        let disk = self.disks.iter().find(|(_, other)| same(other));
        let name = self.names.iter().find(|(_, other)| same(other));
        disk.and_then(|(disk, _)| disk.name())
            .or(name.map(|(name, _)| *name))
    }
}

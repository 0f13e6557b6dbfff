// SPDX-License-Identifier: GPL-2.0

//! Tests of the core.

use crate::{
    device::DeviceObject,
    life,
    sys::{
        driver::{
            Given,
            Tables, //
        },
        table::Extended,
    },
};
use core::{
    ops::Deref,
    ptr, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

mod access;
mod device;
mod holder;
mod host;
mod host_name;
mod liveness;
mod memory;
mod notify;
mod ops;
mod tables;

/// The private data of the devices of tests.
const PRIVATE: usize = 0x100;

/// A device without operations, which is killed when it is dropped, as every device must be before
/// its last put.
struct TestDevice(ARef<DeviceObject>);

impl TestDevice {
    fn new() -> Result<Self> {
        Self::with_private(PRIVATE)
    }

    fn with_private(private: usize) -> Result<Self> {
        // SAFETY: There are no operations that could be called with the private data.
        let given = unsafe { Given::new(ptr::without_provenance_mut(private), Tables::None) };
        life::alloc(given).map(Self)
    }

    /// A device with an extended table.
    fn extended() -> Result<Self> {
        // SAFETY: The table is static, and its operations do not use the device.
        let table = unsafe { Extended::lend(&tables::EXTENDED) }?;
        // SAFETY: The operations do not use the private data.
        let given = unsafe { Given::new(ptr::null_mut(), Tables::Extended(table)) };
        life::alloc(given).map(Self)
    }

    /// A reference that does not kill the device.
    fn reference(&self) -> ARef<DeviceObject> {
        self.0.clone()
    }
}

impl Deref for TestDevice {
    type Target = DeviceObject;

    fn deref(&self) -> &DeviceObject {
        &self.0
    }
}

impl Drop for TestDevice {
    fn drop(&mut self) {
        life::kill(&self.0);
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The birth of a device and its end.

use crate::{
    device::DeviceObject,
    notify::notify_failure,
    numbers::numbers,
    sys::{
        domain::DaxDomain,
        driver::Given,
        filesystem,
        notify::Failure,
        tables::tables, //
    },
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};
use kernel_ext::sync::srcu::Domain;

/// Makes a device with the lowest free minor number for a driver. It is alive.
///
/// Fails with `ENOMEM` if there is no number or no memory left. Sleeps.
pub(crate) fn alloc(given: Given) -> Result<ARef<DeviceObject>> {
    let numbers = numbers()?;
    let devt = numbers.alloc()?;
    let dev = filesystem::get(devt)
        .ok_or(ENOMEM)
        .inspect_err(|_| numbers.free(devt))?;
    dev.set_up(given)?;

    // Only the list of devices in debugfs needs this.
    tables()?
        .lock()
        .add_device(&dev)
        .inspect_err(|_| dev.stop())?;
    Ok(dev)
}

/// Kills a device. When this returns, no operation of it runs, and none will. Sleeps.
///
/// The holder hears of it first, while the device still lives, and is forgotten afterwards.
pub(crate) fn kill(dev: &DeviceObject) {
    if dev.holder.is_held() {
        // A holder that has no operation for removals answers with an error, which changes nothing.
        let _ = notify_failure(dev, &Failure::REMOVAL);
    }
    dev.stop();
    DaxDomain::srcu().synchronize();
    dev.holder.clear();
}

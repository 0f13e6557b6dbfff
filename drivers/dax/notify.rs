// SPDX-License-Identifier: GPL-2.0

//! Telling the holder of a device about failures of its memory.

use crate::{
    device::DeviceObject,
    liveness,
    sys::notify::Failure, //
};
use kernel::prelude::*;

/// Tells the holder of a device about `failure`.
///
/// Fails with `ENXIO` if the device is dead and with `EOPNOTSUPP` if no holder has an operation for
/// this, else as the holder says. Sleeps.
pub(crate) fn notify_failure(dev: &DeviceObject, failure: &Failure) -> Result {
    let guard = liveness::read_lock();
    liveness::alive(dev, guard.reading())?.tell_holder(failure)
}

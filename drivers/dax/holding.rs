// SPDX-License-Identifier: GPL-2.0

//! Taking devices for a holder, and giving them back.

use crate::{
    device::DeviceObject,
    holder::Release,
    liveness::{
        self,
        AliveDax, //
    },
    sys::{
        dev_dax::{
            BoundTo,
            DevDax, //
        },
        holder::{
            HolderId,
            HolderOps, //
        },
        table::Lent,
    },
};
use kernel::{
    prelude::*,
    sync::aref::ARef,
    warn_on, //
};
use kernel_ext::error::eopnotsupp;

/// Claims a device that is alive, and takes a reference to it.
///
/// Fails with `ENXIO` if it is being destroyed and with `EBUSY` if it has a holder. No holder claims
/// nothing.
#[cfg(CONFIG_BLOCK)]
pub(crate) fn get_claimed(
    dev: AliveDax<'_>,
    holder: HolderId,
    ops: Option<Lent<HolderOps>>,
) -> Result<ARef<DeviceObject>> {
    let reference = dev.try_get().ok_or(ENXIO)?;
    if !holder.is_none() {
        dev.holder.claim(holder, ops)?.keep();
    }
    Ok(reference)
}

/// Claims a device of device-dax that is bound to the driver fsdev_dax, and takes a reference to it.
///
/// Fails with `ENODEV` if the device is dead or not bound, with `EOPNOTSUPP` if it is bound to
/// another driver and with `EBUSY` if it has a holder. Sleeps.
pub(crate) fn get_fsdev(
    dev: DevDax<'_>,
    holder: HolderId,
    ops: Option<Lent<HolderOps>>,
) -> Result<ARef<DeviceObject>> {
    // Killing a device waits for the SRCU domain under the lock that `bound_to` takes, so the domain
    // is left before, and whether the device is alive is asked again.
    let (reference, instance) = {
        let guard = liveness::read_lock();
        let alive = dev.alive(guard.reading()).map_err(|_| ENODEV)?;
        let reference = alive.device().try_get().ok_or(ENODEV)?;
        (reference, alive.instance().ok_or(ENODEV)?)
    };
    match instance.bound_to() {
        BoundTo::Nothing => return Err(ENODEV),
        BoundTo::Another => return Err(eopnotsupp()),
        BoundTo::Fsdev => (),
    }

    let guard = liveness::read_lock();
    let alive = liveness::alive(&reference, guard.reading()).map_err(|_| ENODEV)?;
    alive.holder.claim(holder, ops)?.keep();
    drop(guard);
    Ok(reference)
}

/// Gives a device, and the claim of `holder`, back. Sleeps.
pub(crate) fn put(dev: ARef<DeviceObject>, holder: HolderId) {
    if !holder.is_none() {
        warn_on!(dev.holder.release(holder) == Release::NotHolder);
    }
}

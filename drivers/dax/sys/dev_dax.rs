// SPDX-License-Identifier: GPL-2.0

//! Instances of device-dax (`struct dev_dax`) that devices belong to.

use super::domain::DaxReading;
use crate::{
    device::DeviceObject,
    liveness::{
        self,
        AliveDax, //
    },
};
use core::ptr::NonNull;
use kernel::prelude::*;
use kernel_ext::bindings;

/// A device of device-dax.
///
/// # Invariants
///
/// The private data of the device is NULL or its `struct dev_dax`, which is freed only after
/// killing the device has returned.
#[derive(Clone, Copy)]
pub(crate) struct DevDax<'a>(&'a DeviceObject);

impl<'a> DevDax<'a> {
    /// # Safety
    ///
    /// The private data of `dev` must be NULL or its `struct dev_dax`, which must be freed only after
    /// killing the device has returned.
    pub(crate) unsafe fn new(dev: &'a DeviceObject) -> Self {
        // INVARIANT: The caller ensures what the invariants say, as `# Safety` asks.
        Self(dev)
    }

    /// The device if it is alive, else `ENXIO`.
    pub(crate) fn alive(self, reading: DaxReading<'a>) -> Result<AliveDevDax<'a>> {
        // INVARIANT: This is the device of `self`.
        liveness::alive(self.0, reading).map(AliveDevDax)
    }
}

/// A device of device-dax that is alive.
///
/// # Invariants
///
/// As those of [`DevDax`].
pub(crate) struct AliveDevDax<'a>(AliveDax<'a>);

impl<'a> AliveDevDax<'a> {
    /// The device.
    pub(crate) fn device(&self) -> AliveDax<'a> {
        self.0
    }

    /// The instance of the device, with a reference, if it has one.
    pub(crate) fn instance(&self) -> Option<Instance> {
        let dev_dax = self.0.private().as_raw().cast::<bindings::dev_dax>();
        let dev_dax = NonNull::new(dev_dax)?;
        // SAFETY:
        // - By the type invariant the private data is an instance.
        // - It has not been freed: the device is alive in our SRCU section, so that killing it has
        //   not returned.
        let device = unsafe { NonNull::new_unchecked(&raw mut (*dev_dax.as_ptr()).dev) };
        // INVARIANT: The reference is taken here.
        // SAFETY: The instance has not been freed, as argued above, and embeds the device.
        unsafe { bindings::get_device(device.as_ptr()) };
        Some(Instance(device))
    }
}

/// The driver that an instance is bound to.
pub(crate) enum BoundTo {
    /// The driver fsdev_dax.
    Fsdev,
    /// Another driver.
    Another,
    /// No driver.
    Nothing,
}

/// An instance of device-dax.
///
/// # Invariants
///
/// The pointer is that of the `struct device` of an instance, of which this object owns a reference.
pub(crate) struct Instance(NonNull<bindings::device>);

impl Instance {
    /// The driver that the instance is bound to. Takes the lock of the device.
    pub(crate) fn bound_to(&self) -> BoundTo {
        let device = self.0.as_ptr();
        // SAFETY:
        // - We own a reference to the device by the type invariant.
        // - The driver stays bound, and thus registered, while the device is locked.
        // - The bus of an instance has drivers of device-dax only, which are part of a
        //   `struct dax_device_driver`.
        unsafe {
            bindings::device_lock(device);
            let driver = (*device).driver;
            let result = if driver.is_null() {
                BoundTo::Nothing
            } else if (*bindings::to_dax_drv(driver)).type_
                == bindings::dax_driver_type_DAXDRV_FSDEV_TYPE
            {
                BoundTo::Fsdev
            } else {
                BoundTo::Another
            };
            bindings::device_unlock(device);
            result
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: We own a reference by the type invariant, and do not use it again.
        unsafe { bindings::put_device(self.0.as_ptr()) };
    }
}

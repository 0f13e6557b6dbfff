// SPDX-License-Identifier: GPL-2.0

//! The conversion between `struct dax_device *` of C and the object behind it.

use crate::{
    device::{
        Device,
        DeviceObject, //
    },
    liveness::{
        self,
        AliveDax, //
    },
};
use core::mem::offset_of;
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};
use kernel_ext::{
    bindings,
    sync::srcu, //
};

/// Where the character device stands in a device, in bytes.
pub(crate) const CDEV_OFFSET: usize = DeviceObject::VALUE_OFFSET + offset_of!(Device, cdev);

static_assert!(offset_of!(bindings::dax_device_head, cdev) == CDEV_OFFSET);

/// The device that C calls `raw`, unless that is NULL.
///
/// # Safety
///
/// `raw` must be NULL or a device of the core, of which a reference is held for `'a`.
#[inline]
pub(crate) unsafe fn device_from_raw<'a>(
    raw: *mut bindings::dax_device,
) -> Option<&'a DeviceObject> {
    // CAST: A pointer to a device, which is opaque to C, is one that `as_raw` or `into_raw` made.
    // SAFETY:
    // - The caller ensures that the pointer is NULL or that of a device.
    // - The caller ensures that a reference keeps the device for `'a`.
    unsafe { raw.cast::<DeviceObject>().as_ref() }
}

/// The device that C calls `raw`.
///
/// # Safety
///
/// `raw` must be a device of the core, of which a reference is held for `'a`.
#[inline]
pub(crate) unsafe fn device_ref<'a>(raw: *mut bindings::dax_device) -> &'a DeviceObject {
    // CAST: A pointer to a device, which is opaque to C, is one that `as_raw` or `into_raw` made.
    // SAFETY:
    // - The caller ensures that the pointer is that of a device.
    // - The caller ensures that a reference keeps the device for `'a`.
    unsafe { &*raw.cast::<DeviceObject>() }
}

/// The device that C, which is inside the SRCU domain, calls `raw`; `ENXIO` if it is dead.
///
/// # Safety
///
/// - `raw` must be a device of the core, of which a reference is held for `'a`.
/// - The current task must be inside the SRCU domain for `'a`.
#[inline]
pub(crate) unsafe fn alive<'a>(raw: *mut bindings::dax_device) -> Result<AliveDax<'a>> {
    // SAFETY: The caller ensures that a reference to the device is held for `'a`.
    let dev = unsafe { device_ref(raw) };
    // SAFETY: The caller ensures that the task is inside the domain for `'a`.
    let reading = unsafe { srcu::assume_read() };
    liveness::alive(dev, reading)
}

/// The pointer to `dev` for C.
#[inline]
pub(crate) fn as_raw(dev: &DeviceObject) -> *mut bindings::dax_device {
    core::ptr::from_ref(dev).cast_mut().cast()
}

/// Hands a reference to C.
#[inline]
pub(crate) fn into_raw(dev: ARef<DeviceObject>) -> *mut bindings::dax_device {
    ARef::into_raw(dev).as_ptr().cast()
}

/// Takes a reference back from C.
///
/// # Safety
///
/// `dev` must borrow from a reference that C owns and gives up.
#[inline]
pub(crate) unsafe fn take_back(dev: &DeviceObject) -> ARef<DeviceObject> {
    // SAFETY: The caller ensures that there is a reference, which becomes the result's.
    unsafe { ARef::from_raw(dev.into()) }
}

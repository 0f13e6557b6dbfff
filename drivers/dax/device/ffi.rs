// SPDX-License-Identifier: GPL-2.0

//! The C symbols for the parts and the properties of a device.

use super::{
    flag,
    DaxDevice,
    Device,
    FILE_SYSTEM, //
};
use crate::ffi::{
    device_from_raw,
    device_ref, //
};
use core::mem::offset_of;
use kernel::{
    ffi::c_void,
    sync::aref::ARef, //
};
use kernel_ext::{
    bindings,
    cdev::DevT,
    fs::pseudo, //
};

// SAFETY: `Device::destroy` takes the device out of all tables, under their lock.
unsafe impl pseudo::Indexed for Device {}

kernel_ext::check_prototypes!(
    dax_dev_get,
    dax_get_private,
    dax_inode,
    dax_synchronous,
    dax_write_cache,
    dax_write_cache_enabled,
    inode_dax,
    put_dax,
    set_dax_nocache,
    set_dax_nomc,
    set_dax_synchronous,
);

/// The device with a number, with a reference; it is made, alive and without operations, if there
/// is none. NULL if memory is short. Sleeps.
///
/// # Safety
///
/// Who gets a new device has to give it life and end (`kill_dax()`, `put_dax()`).
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_dev_get(devt: bindings::dev_t) -> *mut bindings::dax_device {
    FILE_SYSTEM
        .get(DevT::from_raw(devt))
        .map_or(core::ptr::null_mut(), |dev| {
            ARef::into_raw(dev).as_ptr().cast()
        })
}

/// Gives back a reference to a device. Sleeps; does nothing for NULL.
///
/// # Safety
///
/// `dev` must be NULL or a valid device, of which the caller gives up a reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn put_dax(dev: *mut bindings::dax_device) {
    // SAFETY: The caller ensures that it is NULL or valid.
    if let Some(dev) = unsafe { device_from_raw(dev) } {
        // SAFETY: The caller gives up its reference.
        drop(unsafe { ARef::from_raw(dev.into()) });
    }
}

/// What the driver gave to `alloc_dax()`, or NULL once the device is dead.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_get_private(dev: *mut bindings::dax_device) -> *mut c_void {
    // SAFETY: The caller ensures that it is valid.
    unsafe { device_ref(dev) }.private()
}

/// The inode of a device, whose reference count is that of the device.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_inode(dev: *mut bindings::dax_device) -> *mut bindings::inode {
    // The inode is the first member, so that even of NULL it is found without reading anything.
    dev.cast()
}

/// The device that the character device behind `inode` belongs to.
///
/// `inode` is one that user space has opened: not that of the device.
///
/// # Safety
///
/// `inode` must be a valid inode whose `i_cdev` is part of a device.
#[no_mangle]
pub(crate) unsafe extern "C" fn inode_dax(
    inode: *mut bindings::inode,
) -> *mut bindings::dax_device {
    const CDEV_OFFSET: usize = DaxDevice::VALUE_OFFSET + offset_of!(Device, cdev);

    // SAFETY: The caller ensures that the inode is valid, and that the character device is part of
    // a device, where it stands at this offset.
    unsafe {
        let cdev = (*inode).__bindgen_anon_5.i_cdev;
        cdev.byte_sub(CDEV_OFFSET).cast()
    }
}

/// Turns flushing for `fsync()` on or off.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_write_cache(dev: *mut bindings::dax_device, wc: bool) {
    // SAFETY: The caller ensures that it is valid.
    unsafe { device_ref(dev) }.set_write_cache(wc);
}

/// Whether `fsync()` has to flush.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_write_cache_enabled(dev: *mut bindings::dax_device) -> bool {
    // SAFETY: The caller ensures that it is valid.
    unsafe { device_ref(dev) }.write_cache()
}

/// Whether `MAP_SYNC` mappings may be made.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_synchronous(dev: *mut bindings::dax_device) -> bool {
    // SAFETY: The caller ensures that it is valid.
    unsafe { device_ref(dev) }.flags.test(flag::SYNC)
}

/// Sets the flag `bit` of a device.
///
/// # Safety
///
/// `dev` must be a valid device.
#[inline]
unsafe fn set_flag(dev: *mut bindings::dax_device, bit: u32) {
    // SAFETY: The caller ensures that it is valid.
    unsafe { device_ref(dev) }.flags.set(bit);
}

/// Says that what has left the CPU caches is persistent.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn set_dax_synchronous(dev: *mut bindings::dax_device) {
    // SAFETY: The caller ensures that it is valid.
    unsafe { set_flag(dev, flag::SYNC) };
}

/// Has writes go around the CPU caches.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn set_dax_nocache(dev: *mut bindings::dax_device) {
    // SAFETY: The caller ensures that it is valid.
    unsafe { set_flag(dev, flag::NOCACHE) };
}

/// Has reads survive machine checks.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn set_dax_nomc(dev: *mut bindings::dax_device) {
    // SAFETY: The caller ensures that it is valid.
    unsafe { set_flag(dev, flag::NOMC) };
}

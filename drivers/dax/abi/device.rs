// SPDX-License-Identifier: GPL-2.0

//! The C symbols for the parts and the properties of a device.

use crate::{
    device::{
        flag,
        Property, //
    },
    sys::{
        cdev::DevT,
        filesystem,
        object::{
            device_from_raw,
            device_ref,
            into_raw,
            take_back,
            CDEV_OFFSET, //
        },
    },
};
use kernel::ffi::c_void;
use kernel_ext::bindings;

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
/// A caller for which a device is made has to end it, with `kill_dax()` and `put_dax()`.
///
/// # Safety
///
/// There is no condition: each number is one of a device, or becomes one. The function is unsafe
/// because the header declares it for C.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_dev_get(devt: bindings::dev_t) -> *mut bindings::dax_device {
    filesystem::get(DevT::from_raw(devt)).map_or(core::ptr::null_mut(), into_raw)
}

/// Gives back a reference to a device. Sleeps; does nothing for NULL.
///
/// # Safety
///
/// `dev` must be NULL or a device of which the caller owns a reference, which it gives up.
#[no_mangle]
pub(crate) unsafe extern "C" fn put_dax(dev: *mut bindings::dax_device) {
    // SAFETY: The caller ensures that it is NULL or a device of which there is a reference.
    if let Some(dev) = unsafe { device_from_raw(dev) } {
        // SAFETY: The caller gives its reference up.
        drop(unsafe { take_back(dev) });
    }
}

/// The pointer that the driver gave to `alloc_dax()`, or NULL once the device is dead.
///
/// # Safety
///
/// `dev` must be a device of which the caller has a reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_get_private(dev: *mut bindings::dax_device) -> *mut c_void {
    // SAFETY: The caller has a reference to the device.
    unsafe { device_ref(dev) }.private_if_alive().as_raw()
}

/// The inode of a device, whose reference count is that of the device.
///
/// # Safety
///
/// There is no condition: the inode is the first member, so that it is found without reading
/// anything, even that of NULL. The function is unsafe because the header declares it for C.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_inode(dev: *mut bindings::dax_device) -> *mut bindings::inode {
    dev.cast()
}

/// The device that the character device behind `inode` belongs to.
///
/// `inode` is one that user space has opened, not that of the device.
///
/// # Safety
///
/// - `inode` must be an inode that lives during the call.
/// - Its `i_cdev` must point to the character device in a device.
#[no_mangle]
pub(crate) unsafe extern "C" fn inode_dax(
    inode: *mut bindings::inode,
) -> *mut bindings::dax_device {
    // SAFETY:
    // - The caller ensures that the inode lives.
    // - The caller ensures that the character device is in a device, at this offset from its start.
    unsafe {
        let cdev = (*inode).__bindgen_anon_5.i_cdev;
        cdev.byte_sub(CDEV_OFFSET).cast()
    }
}

/// Turns flushing for `fsync()` on or off.
///
/// # Safety
///
/// `dev` must be a device of which the caller has a reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_write_cache(dev: *mut bindings::dax_device, wc: bool) {
    // SAFETY: The caller has a reference to the device.
    unsafe { device_ref(dev) }.set_write_cache(wc);
}

/// Whether `fsync()` has to flush.
///
/// # Safety
///
/// `dev` must be a device of which the caller has a reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_write_cache_enabled(dev: *mut bindings::dax_device) -> bool {
    // SAFETY: The caller has a reference to the device.
    unsafe { device_ref(dev) }.write_cache()
}

/// Whether `MAP_SYNC` mappings may be made.
///
/// # Safety
///
/// `dev` must be a device of which the caller has a reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_synchronous(dev: *mut bindings::dax_device) -> bool {
    // SAFETY: The caller has a reference to the device.
    unsafe { device_ref(dev) }.has(flag::SYNC)
}

/// Declares that stores that have left the CPU caches are persistent.
///
/// # Safety
///
/// `dev` must be a device of which the caller has a reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn set_dax_synchronous(dev: *mut bindings::dax_device) {
    // SAFETY: The caller has a reference to the device.
    unsafe { device_ref(dev) }.declare(Property::Synchronous);
}

/// Lets writes go around the CPU caches.
///
/// # Safety
///
/// `dev` must be a device of which the caller has a reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn set_dax_nocache(dev: *mut bindings::dax_device) {
    // SAFETY: The caller has a reference to the device.
    unsafe { device_ref(dev) }.declare(Property::NoCache);
}

/// Lets reads survive machine checks.
///
/// # Safety
///
/// `dev` must be a device of which the caller has a reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn set_dax_nomc(dev: *mut bindings::dax_device) {
    // SAFETY: The caller has a reference to the device.
    unsafe { device_ref(dev) }.declare(Property::NoMachineChecks);
}

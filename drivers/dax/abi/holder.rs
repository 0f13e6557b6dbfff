// SPDX-License-Identifier: GPL-2.0

//! The C symbols for holders.

#[cfg(CONFIG_FS_DAX)]
use crate::{
    holding,
    sys::{
        dev_dax::DevDax,
        holder::{
            HolderId,
            HolderOps, //
        },
        object::{
            device_from_raw,
            into_raw,
            take_back, //
        },
    },
};
use crate::{
    notify::notify_failure,
    sys::{
        notify::Failure,
        object::device_ref, //
    },
};
#[cfg(CONFIG_FS_DAX)]
use kernel::prelude::*;
use kernel::{
    error::from_result,
    ffi::{
        c_int,
        c_void, //
    },
};
use kernel_ext::bindings;

kernel_ext::check_prototypes!(dax_holder, dax_holder_notify_failure);
#[cfg(CONFIG_FS_DAX)]
kernel_ext::check_prototypes!(fs_put_dax, fs_dax_get);

/// The identity of the holder of a device, or NULL.
///
/// # Safety
///
/// `dev` must be a device of which the caller has a reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_holder(dev: *mut bindings::dax_device) -> *mut c_void {
    // SAFETY: The caller has a reference to the device.
    unsafe { device_ref(dev) }.holder.id().as_raw()
}

/// Tells the holder of a device that `len` bytes at `offset` failed.
///
/// # Safety
///
/// `dev` must be a device of which the caller has a reference.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_holder_notify_failure(
    dev: *mut bindings::dax_device,
    offset: u64,
    len: u64,
    mf_flags: c_int,
) -> c_int {
    // SAFETY: The caller has a reference to the device.
    let dev = unsafe { device_ref(dev) };
    from_result(|| {
        notify_failure(dev, &Failure::new(offset, len, mf_flags))?;
        Ok(0)
    })
}

/// Gives a device back, and the claim of `holder` if that is not NULL. Does nothing for NULL.
///
/// # Safety
///
/// `dev` must be NULL or a device of which the caller owns a reference, which it gives up.
#[cfg(CONFIG_FS_DAX)]
#[no_mangle]
pub(crate) unsafe extern "C" fn fs_put_dax(dev: *mut bindings::dax_device, holder: *mut c_void) {
    // SAFETY: The caller ensures that it is NULL or a device of which there is a reference.
    if let Some(dev) = unsafe { device_from_raw(dev) } {
        // SAFETY: The caller gives up a reference that it owns, and thus does not use it again.
        holding::put(unsafe { take_back(dev) }, HolderId::from_raw(holder));
    }
}

/// Takes a reference to, and makes `holder` the holder of, a device that is bound to the driver
/// fsdev_dax.
///
/// Fails with `ENODEV` if the device is NULL, dead or not bound, with `EOPNOTSUPP` if it is bound
/// to another driver and with `EBUSY` if it has a holder. Sleeps.
///
/// # Safety
///
/// - `dev` must be NULL or a device of which the caller has a reference.
/// - The private data of the device must be NULL or its `struct dev_dax`.
/// - `ops` must be NULL or a table that lives until the device is dead, or until the holder has given
///   the device back and no notification runs any more.
#[cfg(CONFIG_FS_DAX)]
#[no_mangle]
pub(crate) unsafe extern "C" fn fs_dax_get(
    dev: *mut bindings::dax_device,
    holder: *mut c_void,
    ops: *const bindings::dax_holder_operations,
) -> c_int {
    // SAFETY: The caller ensures that it is NULL or a device of which there is a reference.
    let Some(dev) = (unsafe { device_from_raw(dev) }) else {
        return ENODEV.to_errno();
    };
    // SAFETY: The caller ensures that the private data is NULL or the instance; device-dax frees it
    // after killing the device.
    let dev = unsafe { DevDax::new(dev) };
    // SAFETY: The caller ensures that the table lives as long as it must.
    let ops = unsafe { HolderOps::lend(ops) };
    from_result(|| {
        let dev = holding::get_fsdev(dev, HolderId::from_raw(holder), ops)?;
        // The caller's reference now, to the device that it has passed.
        into_raw(dev);
        Ok(0)
    })
}

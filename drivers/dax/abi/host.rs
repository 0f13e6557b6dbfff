// SPDX-License-Identifier: GPL-2.0

//! The C symbols for finding devices.

use crate::{
    device::DeviceObject,
    host::HostName,
    lookup,
    sys::object::{
        device_ref,
        into_raw, //
    },
};
use kernel::{
    error::from_result,
    ffi::{
        c_char,
        c_int, //
    },
    prelude::*,
    sync::aref::ARef, //
};
use kernel_ext::bindings;

kernel_ext::check_prototypes!(dax_add_host_name, dax_remove_host_name, dax_get_by_host);

/// The reference for C to a device that a lookup found, or NULL if it found none.
fn found(dev: Result<ARef<DeviceObject>>) -> *mut bindings::dax_device {
    dev.map_or(core::ptr::null_mut(), into_raw)
}

/// A copy of the name that C has at `name`; `EINVAL` for NULL.
///
/// # Safety
///
/// `name` must be NULL or a C string that does not change during the call.
unsafe fn host_name(name: *const c_char) -> Result<HostName> {
    if name.is_null() {
        return Err(EINVAL);
    }
    // SAFETY: The caller ensures that it is a C string, which is not used after the call.
    HostName::new(unsafe { CStr::from_char_ptr(name) }.to_bytes())
}

/// Makes `name` the host of a device.
///
/// Returns `-EBUSY` if it is the host of one already, `-EINVAL` if it is empty, `-E2BIG` if it has
/// more than 31 bytes, and `-ENOMEM`. Sleeps.
///
/// # Safety
///
/// - `dev` must be a device of which the caller has a reference.
/// - `name` must be NULL or a C string that does not change during the call.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_add_host_name(
    dev: *mut bindings::dax_device,
    name: *const c_char,
) -> c_int {
    // SAFETY: The caller has a reference to the device.
    let dev = unsafe { device_ref(dev) };
    // SAFETY: The caller ensures that it is NULL or a C string.
    let name = unsafe { host_name(name) };
    from_result(|| {
        lookup::add_name(name?, dev)?;
        Ok(0)
    })
}

/// Undoes `dax_add_host_name()`; to be called before the device is killed. Sleeps.
///
/// # Safety
///
/// `name` must be NULL or a C string that does not change during the call.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_remove_host_name(name: *const c_char) {
    // SAFETY: The caller ensures that it is NULL or a C string.
    if let Ok(name) = unsafe { host_name(name) } {
        lookup::remove_name(&name);
    }
}

/// The device under `name`, if it is alive, with a reference (`put_dax()`), or NULL. Sleeps.
///
/// # Safety
///
/// `name` must be NULL or a C string that does not change during the call.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_get_by_host(name: *const c_char) -> *mut bindings::dax_device {
    // SAFETY: The caller ensures that it is NULL or a C string.
    let name = unsafe { host_name(name) };
    found(name.and_then(|name| lookup::by_name(&name)))
}

#[cfg(all(CONFIG_BLOCK, CONFIG_FS_DAX))]
mod disk {
    //! Lookup by block device.

    use super::*;
    use crate::sys::{
        block::{
            BlockDevice,
            Disk, //
        },
        holder::{
            HolderId,
            HolderOps, //
        },
    };
    use core::ptr::NonNull;
    use kernel::ffi::c_void;
    use kernel_ext::dax::DiskKey;

    kernel_ext::check_prototypes!(dax_add_host, dax_remove_host, fs_dax_get_by_bdev);

    /// Makes a disk the host of a device.
    ///
    /// Returns `-EBUSY` if it is the host of one already, and `-ENOMEM`. Sleeps.
    ///
    /// # Safety
    ///
    /// - `dev` must be a device of which the caller has a reference.
    /// - `disk` must be NULL or a disk that lives, and keeps its name, during the call.
    #[no_mangle]
    pub(crate) unsafe extern "C" fn dax_add_host(
        dev: *mut bindings::dax_device,
        disk: *mut bindings::gendisk,
    ) -> c_int {
        // SAFETY: The caller has a reference to the device.
        let dev = unsafe { device_ref(dev) };
        from_result(|| {
            let disk = NonNull::new(disk).ok_or(EINVAL)?;
            // SAFETY: The caller ensures that the disk lives and keeps its name.
            lookup::add_disk(unsafe { Disk::new(disk) }, dev)?;
            Ok(0)
        })
    }

    /// Undoes `dax_add_host()`; to be called before the device is killed. Sleeps.
    ///
    /// # Safety
    ///
    /// There is no condition: the address of the disk is compared, and not followed. The function is
    /// unsafe because the header declares it for C.
    #[no_mangle]
    pub(crate) unsafe extern "C" fn dax_remove_host(disk: *mut bindings::gendisk) {
        if let Some(disk) = NonNull::new(disk) {
            lookup::remove_disk(DiskKey::new(disk));
        }
    }

    /// The device of a block device, with a reference, and with the claim of `holder` if that is not
    /// NULL; `fs_put_dax()` gives both back. Sleeps.
    ///
    /// `*start_off` becomes the offset of the block device in the device, in bytes. Returns NULL if
    /// there is no device, it is dead, has a holder, or if the partition is not aligned to pages.
    ///
    /// # Safety
    ///
    /// - `bdev` must be NULL or a block device that the caller has open.
    /// - `start_off` must be valid for a write.
    /// - `ops` must be NULL or a table that lives until the device is dead, or until the holder has
    ///   given the device back and no notification runs any more.
    #[no_mangle]
    pub(crate) unsafe extern "C" fn fs_dax_get_by_bdev(
        bdev: *mut bindings::block_device,
        start_off: *mut u64,
        holder: *mut c_void,
        ops: *const bindings::dax_holder_operations,
    ) -> *mut bindings::dax_device {
        let Some(bdev) = NonNull::new(bdev) else {
            return core::ptr::null_mut();
        };
        // SAFETY: The caller has the block device open during the call.
        let bdev = unsafe { BlockDevice::new(bdev) };
        if !bdev.offers_dax() {
            return core::ptr::null_mut();
        }
        // SAFETY: The caller ensures that `start_off` is valid for a write during the call.
        unsafe { *start_off = bdev.start() };
        // SAFETY: The caller ensures that the table lives as long as it must.
        let ops = unsafe { HolderOps::lend(ops) };
        found(lookup::by_bdev(bdev, HolderId::from_raw(holder), ops))
    }
}

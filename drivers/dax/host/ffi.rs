// SPDX-License-Identifier: GPL-2.0

//! The C symbols for finding devices.

use super::HostName;
use crate::{
    dax_core,
    device::DaxDevice,
    ffi::device_ref,
    liveness, //
};
use kernel::{
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
fn found(dev: Result<ARef<DaxDevice>>) -> *mut bindings::dax_device {
    dev.map_or(core::ptr::null_mut(), |dev| {
        ARef::into_raw(dev).as_ptr().cast()
    })
}

/// The name that C has at `name`.
///
/// # Safety
///
/// `name` must be NULL or a C string.
unsafe fn host_name(name: *const c_char) -> Result<HostName> {
    if name.is_null() {
        return Err(EINVAL);
    }
    // SAFETY: The caller ensures that it is a C string, which we copy.
    HostName::new(unsafe { CStr::from_char_ptr(name) }.to_bytes())
}

/// Makes `name` the host of a device.
///
/// Returns `-EBUSY` if it is the host of one already, `-EINVAL` if it is empty, `-E2BIG` if it has
/// more than 31 bytes, and `-ENOMEM`. Sleeps.
///
/// # Safety
///
/// `dev` must be a valid device, `name` a C string (which is copied).
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_add_host_name(
    dev: *mut bindings::dax_device,
    name: *const c_char,
) -> c_int {
    // SAFETY: The caller ensures that both are valid.
    let (dev, name) = unsafe { (device_ref(dev), host_name(name)) };
    let add = || dax_core()?.tables.lock().add_name(name?, dev);
    match add() {
        Ok(()) => 0,
        Err(e) => e.to_errno(),
    }
}

/// Undoes `dax_add_host_name()`; to be called before the device is killed. Sleeps.
///
/// # Safety
///
/// `name` must be a C string.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_remove_host_name(name: *const c_char) {
    // SAFETY: The caller ensures that it is valid.
    if let (Ok(core), Ok(name)) = (dax_core(), unsafe { host_name(name) }) {
        core.tables.lock().remove_name(&name);
    }
}

/// The device under `name`, if it is alive, with a reference (`put_dax()`), or NULL. Sleeps.
///
/// # Safety
///
/// `name` must be a C string.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_get_by_host(name: *const c_char) -> *mut bindings::dax_device {
    // SAFETY: The caller ensures that it is valid.
    let name = unsafe { host_name(name) };
    found((|| {
        let dev = dax_core()?.tables.lock().by_name(&name?).ok_or(ENODEV)?;
        let guard = liveness::read_lock();
        liveness::alive(&dev, guard.reading())?;
        drop(guard);
        Ok(dev)
    })())
}

#[cfg(all(CONFIG_BLOCK, CONFIG_FS_DAX))]
mod disk {
    //! Lookup by block device.

    use super::*;
    use crate::holder::{
        get_claimed,
        HolderOps, //
    };
    use core::ptr::NonNull;
    use kernel::ffi::c_void;
    use kernel_ext::dax::DiskKey;

    /// Bytes in a sector.
    const SECTOR_SIZE: u64 = bindings::SECTOR_SIZE as u64;

    kernel_ext::check_prototypes!(dax_add_host, dax_remove_host, fs_dax_get_by_bdev);

    /// Makes a disk the host of a device.
    ///
    /// Returns `-EBUSY` if it is the host of one already, and `-ENOMEM`. Sleeps.
    ///
    /// # Safety
    ///
    /// `dev` must be a valid device, `disk` a valid disk.
    #[no_mangle]
    pub(crate) unsafe extern "C" fn dax_add_host(
        dev: *mut bindings::dax_device,
        disk: *mut bindings::gendisk,
    ) -> c_int {
        // SAFETY: The caller ensures that it is valid.
        let dev = unsafe { device_ref(dev) };
        let add = || {
            let key = DiskKey::new(NonNull::new(disk).ok_or(EINVAL)?);
            // SAFETY: The caller ensures that the disk is valid. Its name does not change any more
            // while it is a host; if it has none, the list of devices shows none.
            let name = unsafe { host_name((&raw const (*disk).disk_name).cast()) }.ok();
            dax_core()?.tables.lock().add_disk(key, name, dev)
        };
        match add() {
            Ok(()) => 0,
            Err(e) => e.to_errno(),
        }
    }

    /// Undoes `dax_add_host()`; to be called before the device is killed. Sleeps.
    ///
    /// # Safety
    ///
    /// None; C declares it as `unsafe` as everything.
    #[no_mangle]
    pub(crate) unsafe extern "C" fn dax_remove_host(disk: *mut bindings::gendisk) {
        if let (Ok(core), Some(disk)) = (dax_core(), NonNull::new(disk)) {
            core.tables.lock().remove_disk(DiskKey::new(disk));
        }
    }

    /// The device of a block device, with a reference, and with the claim of `holder` if that is not
    /// NULL; gives it back with `fs_put_dax()`. Sleeps.
    ///
    /// `*start_off` becomes the offset of the block device in the device, in bytes. Returns NULL if
    /// there is no device, it is dead, has a holder, or if the partition is not aligned to pages.
    ///
    /// # Safety
    ///
    /// `bdev` must be a valid block device, `start_off` valid for a write, and `ops` NULL or
    /// valid until the holder gives the device back.
    #[no_mangle]
    pub(crate) unsafe extern "C" fn fs_dax_get_by_bdev(
        bdev: *mut bindings::block_device,
        start_off: *mut u64,
        holder: *mut c_void,
        ops: *const HolderOps,
    ) -> *mut bindings::dax_device {
        // SAFETY: The caller ensures that the block device is valid; its disk and its limits are.
        let (disk, features, start, len) = unsafe {
            let disk = (*bdev).bd_disk;
            (
                disk,
                (*(*disk).queue).limits.features,
                (*bdev).bd_start_sect * SECTOR_SIZE,
                (*bdev).bd_nr_sectors * SECTOR_SIZE,
            )
        };
        if features & bindings::BLK_FEAT_DAX == 0 {
            return core::ptr::null_mut();
        }
        // SAFETY: The caller ensures that it is valid for a write.
        unsafe { *start_off = start };
        let page = kernel::page::PAGE_SIZE as u64;
        if start % page != 0 || len % page != 0 {
            // SAFETY: `%pg` takes a block device.
            unsafe {
                bindings::_printk(
                    c"\x016%pg: error: unaligned partition for dax\n".as_char_ptr(),
                    bdev,
                )
            };
            return core::ptr::null_mut();
        }

        found((|| {
            let key = DiskKey::new(NonNull::new(disk).ok_or(ENODEV)?);
            let dev = dax_core()?.tables.lock().by_disk(key).ok_or(ENODEV)?;
            let guard = liveness::read_lock();
            let alive = liveness::alive(&dev, guard.reading())?;
            // Who is refused gives back the reference that the lookup took.
            get_claimed(alive, holder, ops)
        })())
    }
}

#[kunit_tests(rust_dax_host_name)]
mod tests {
    use super::*;
    use core::ptr;
    use kernel::error::from_err_ptr;

    /// Whether `name` leads to `dev`.
    fn leads_to(name: &CStr, dev: *mut bindings::dax_device) -> bool {
        // SAFETY: The name is a C string; the reference is given back.
        unsafe {
            let found = dax_get_by_host(name.as_char_ptr());
            bindings::put_dax(found);
            ptr::eq(found, dev)
        }
    }

    fn add(dev: *mut bindings::dax_device, name: &CStr) -> c_int {
        // SAFETY: The tests pass a valid device.
        unsafe { dax_add_host_name(dev, name.as_char_ptr()) }
    }

    #[test]
    fn found_while_alive_and_added() -> Result {
        // SAFETY: A device without operations does not use its private data.
        let dev = from_err_ptr(unsafe { bindings::alloc_dax(ptr::null_mut(), ptr::null()) })?;
        let none = ptr::null_mut();

        assert!(leads_to(c"kunit-host", none));
        assert_eq!(add(dev, c"kunit-host"), 0);
        assert!(leads_to(c"kunit-host", dev));
        assert_eq!(add(dev, c"kunit-host"), EBUSY.to_errno());
        assert_eq!(add(dev, c""), EINVAL.to_errno());
        assert_eq!(
            add(dev, c"a name that is longer than what fits"),
            E2BIG.to_errno()
        );

        // SAFETY: The name is a C string.
        unsafe { dax_remove_host_name(c"kunit-host".as_char_ptr()) };
        assert!(leads_to(c"kunit-host", none));

        // A dead device is not found.
        assert_eq!(add(dev, c"kunit-host"), 0);
        // SAFETY: We own the only reference.
        unsafe { bindings::kill_dax(dev) };
        assert!(leads_to(c"kunit-host", none));
        // SAFETY: As above. The name goes with the device.
        unsafe { bindings::put_dax(dev) };
        assert!(leads_to(c"kunit-host", none));
        Ok(())
    }

    #[test]
    fn names_that_are_none() {
        // SAFETY: NULL is refused.
        assert!(unsafe { dax_get_by_host(ptr::null()) }.is_null());
        // SAFETY: As above.
        unsafe { dax_remove_host_name(ptr::null()) };
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The C symbols for holders.

use super::Release;
#[cfg(CONFIG_FS_DAX)]
use crate::{
    device::DaxDevice,
    liveness, //
};
use crate::{
    ffi::{
        device_from_raw,
        device_ref,
        device_to_raw, //
    },
    liveness::AliveDax,
};
use kernel::{
    error::to_result,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    sync::aref::ARef,
    warn_on, //
};
use kernel_ext::{
    bindings,
    error::eopnotsupp, //
};

/// What a holder wants to be called for.
pub(crate) type HolderOps = bindings::dax_holder_operations;

/// The memory is about to be removed.
pub(super) const MF_MEM_PRE_REMOVE: c_int = bindings::mf_flags_MF_MEM_PRE_REMOVE as c_int;

/// Calls the holder of `dev`, if there is one that wants to be called.
pub(super) fn call_notify_failure(
    dev: AliveDax<'_>,
    offset: u64,
    len: u64,
    mf_flags: c_int,
) -> Result {
    // SAFETY: Operations are NULL or a static table of the holder: they were there while the device
    // was alive in our SRCU section, whose end killing the device waits for.
    let ops = unsafe { dev.holder.ops().as_ref() };
    let notify = ops
        .and_then(|ops| ops.notify_failure)
        .ok_or_else(eopnotsupp)?;
    // SAFETY: The device is valid and alive, which is all that the operation asks for.
    to_result(unsafe { notify(device_to_raw(&dev), offset, len, mf_flags) })
}

kernel_ext::check_prototypes!(dax_holder, dax_holder_notify_failure);
#[cfg(CONFIG_FS_DAX)]
kernel_ext::check_prototypes!(fs_put_dax, fs_dax_get);

/// The identity of the holder of a device, or NULL.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_holder(dev: *mut bindings::dax_device) -> *mut c_void {
    // SAFETY: The caller ensures that it is valid.
    unsafe { device_ref(dev) }.holder.data()
}

/// Tells the holder of a device that `len` bytes at `offset` failed.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_holder_notify_failure(
    dev: *mut bindings::dax_device,
    offset: u64,
    len: u64,
    mf_flags: c_int,
) -> c_int {
    // SAFETY: The caller ensures that it is valid.
    let dev = unsafe { device_ref(dev) };
    match super::notify_failure(dev, offset, len, mf_flags) {
        Ok(()) => 0,
        Err(e) => e.to_errno(),
    }
}

/// Gives a device back, and the claim of `holder` if that is not NULL. Does nothing for NULL.
///
/// # Safety
///
/// `dev` must be NULL or a valid device, of which the caller gives up a reference.
#[cfg(CONFIG_FS_DAX)]
#[no_mangle]
pub(crate) unsafe extern "C" fn fs_put_dax(dev: *mut bindings::dax_device, holder: *mut c_void) {
    // SAFETY: The caller ensures that it is NULL or valid.
    let Some(dev) = (unsafe { device_from_raw(dev) }) else {
        return;
    };
    if !holder.is_null() {
        warn_on!(dev.holder.release(holder) == Release::NotHolder);
    }
    // SAFETY: The caller gives up its reference.
    drop(unsafe { ARef::from_raw(dev.into()) });
}

/// Takes a reference to, and makes `holder` the holder of, a device that is bound to the driver
/// fsdev_dax.
///
/// Fails with `ENODEV` if the device is NULL, dead or not bound, with `EOPNOTSUPP` if it is bound
/// to another driver and with `EBUSY` if it has a holder. Sleeps.
///
/// # Safety
///
/// `dev` must be NULL or a valid device of device-dax; `ops` must be NULL or live until the holder
/// gives the device back.
#[cfg(CONFIG_FS_DAX)]
#[no_mangle]
pub(crate) unsafe extern "C" fn fs_dax_get(
    dev: *mut bindings::dax_device,
    holder: *mut c_void,
    ops: *const HolderOps,
) -> c_int {
    // SAFETY: The caller ensures that it is NULL or valid.
    let Some(dev) = (unsafe { device_from_raw(dev) }) else {
        return ENODEV.to_errno();
    };
    let get = || -> Result<ARef<DaxDevice>> {
        // Killing a device waits for the SRCU domain under the lock that is taken here, so the
        // domain is left in between, and whether the device is alive is asked again.
        let (reference, instance) = {
            let guard = liveness::read_lock();
            let dev = liveness::alive(dev, guard.reading()).map_err(|_| ENODEV)?;
            (dev.try_get().ok_or(ENODEV)?, Instance::of(dev)?)
        };
        instance.check_driver()?;

        {
            let guard = liveness::read_lock();
            let dev = liveness::alive(&reference, guard.reading()).map_err(|_| ENODEV)?;
            dev.holder.claim(holder, ops)?.keep();
        }
        Ok(reference)
    };
    match get() {
        Ok(reference) => {
            // The caller's reference now.
            let _ = ARef::into_raw(reference);
            0
        }
        Err(e) => e.to_errno(),
    }
}

/// The instance of device-dax that a device belongs to, with a reference.
#[cfg(CONFIG_FS_DAX)]
struct Instance(core::ptr::NonNull<bindings::device>);

#[cfg(CONFIG_FS_DAX)]
impl Instance {
    /// Fails with `ENODEV` if there is none.
    fn of(dev: AliveDax<'_>) -> Result<Self> {
        let dev_dax = core::ptr::NonNull::new(dev.private().cast::<bindings::dev_dax>());
        let dev_dax = dev_dax.ok_or(ENODEV)?;
        // SAFETY: The private data of a device of device-dax is its instance, which is freed after
        // killing the device has returned: not while it is alive in an SRCU section.
        unsafe {
            let device = &raw mut (*dev_dax.as_ptr()).dev;
            bindings::get_device(device);
            Ok(Self(core::ptr::NonNull::new_unchecked(device)))
        }
    }

    /// Fails with `ENODEV` if the instance is not bound, and with `EOPNOTSUPP` if it is not bound
    /// to the driver fsdev_dax.
    fn check_driver(&self) -> Result {
        let device = self.0.as_ptr();
        // SAFETY: We have a reference to the device; its driver stays while it is locked, and is
        // one of device-dax.
        unsafe {
            bindings::device_lock(device);
            let driver = (*device).driver;
            let result = if driver.is_null() {
                Err(ENODEV)
            } else if (*bindings::to_dax_drv(driver)).type_
                != bindings::dax_driver_type_DAXDRV_FSDEV_TYPE
            {
                Err(eopnotsupp())
            } else {
                Ok(())
            };
            bindings::device_unlock(device);
            result
        }
    }
}

#[cfg(CONFIG_FS_DAX)]
impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: We give up the reference that we have.
        unsafe { bindings::put_device(self.0.as_ptr()) };
    }
}

#[kunit_tests(rust_dax_notify)]
mod tests {
    use super::*;
    use core::ptr;
    use kernel::{
        error::from_err_ptr,
        sync::atomic::{
            Atomic,
            Relaxed, //
        },
    };

    /// What the holder was told last: offset, length, flags; and what it answers.
    static OFFSET: Atomic<i64> = Atomic::new(0);
    static LEN: Atomic<i64> = Atomic::new(0);
    static FLAGS: Atomic<i32> = Atomic::new(0);
    static CALLS: Atomic<i32> = Atomic::new(0);
    static ANSWER: Atomic<i32> = Atomic::new(0);

    /// # Safety
    ///
    /// None: it uses nothing.
    unsafe extern "C" fn notify(
        _: *mut bindings::dax_device,
        offset: u64,
        len: u64,
        mf_flags: c_int,
    ) -> c_int {
        OFFSET.store(offset as i64, Relaxed);
        LEN.store(len as i64, Relaxed);
        FLAGS.store(mf_flags, Relaxed);
        CALLS.fetch_add(1, Relaxed);
        ANSWER.load(Relaxed)
    }

    static OPS: HolderOps = HolderOps {
        notify_failure: Some(notify),
    };

    /// A device without operations, which is dead after the closure; returns what that returns.
    fn with_device<R>(test: impl FnOnce(*mut bindings::dax_device) -> R) -> Result<R> {
        // SAFETY: A device without operations does not use its private data.
        let dev = from_err_ptr(unsafe { bindings::alloc_dax(ptr::null_mut(), ptr::null()) })?;
        let result = test(dev);
        // SAFETY: We own the only reference.
        unsafe {
            bindings::kill_dax(dev);
            bindings::put_dax(dev);
        }
        Ok(result)
    }

    fn told(dev: *mut bindings::dax_device, offset: u64, len: u64, flags: c_int) -> c_int {
        // SAFETY: The tests pass a valid device.
        unsafe { dax_holder_notify_failure(dev, offset, len, flags) }
    }

    fn claim(dev: *mut bindings::dax_device) -> *mut c_void {
        let holder = ptr::without_provenance_mut(0x300);
        // SAFETY: The tests pass a valid device.
        let claim = unsafe { device_ref(dev) }.holder.claim(holder, &OPS);
        if let Ok(claim) = claim {
            claim.keep();
        }
        holder
    }

    #[test]
    fn failure_reaches_the_holder() -> Result {
        with_device(|dev| {
            CALLS.store(0, Relaxed);
            assert_eq!(told(dev, 0, 1, 0), -kernel_ext::error::errno::EOPNOTSUPP);

            let holder = claim(dev);
            // SAFETY: The device is valid.
            assert_eq!(unsafe { dax_holder(dev) }, holder);
            for answer in [0, EBUSY.to_errno()] {
                ANSWER.store(answer, Relaxed);
                assert_eq!(told(dev, 0x1000, 0x2000, 1), answer);
            }
            assert_eq!(CALLS.load(Relaxed), 2);
            assert_eq!(OFFSET.load(Relaxed), 0x1000);
            assert_eq!(LEN.load(Relaxed), 0x2000);
            assert_eq!(FLAGS.load(Relaxed), 1);
        })
    }

    #[test]
    fn removal_reaches_the_holder_once() -> Result {
        with_device(|dev| {
            claim(dev);
            CALLS.store(0, Relaxed);
            // SAFETY: The device is valid, and we are in no SRCU section.
            unsafe { bindings::kill_dax(dev) };
            assert_eq!(CALLS.load(Relaxed), 1);
            assert_eq!(OFFSET.load(Relaxed), 0);
            assert_eq!(LEN.load(Relaxed) as u64, u64::MAX);
            assert_eq!(FLAGS.load(Relaxed), MF_MEM_PRE_REMOVE);

            // SAFETY: As above.
            unsafe { bindings::kill_dax(dev) };
            assert_eq!(CALLS.load(Relaxed), 1);
            assert_eq!(told(dev, 0, 1, 0), ENXIO.to_errno());
            assert_eq!(CALLS.load(Relaxed), 1);
        })
    }

    #[cfg(CONFIG_FS_DAX)]
    #[test]
    fn no_device_to_get() -> Result {
        let holder = ptr::without_provenance_mut(0x300);
        // SAFETY: NULL is fine.
        let refused = unsafe { fs_dax_get(ptr::null_mut(), holder, &OPS) };
        assert_eq!(refused, ENODEV.to_errno());
        with_device(|dev| {
            // SAFETY: The device is valid. It belongs to no instance.
            assert_eq!(unsafe { fs_dax_get(dev, holder, &OPS) }, ENODEV.to_errno());
            // SAFETY: The device is valid, and we are in no SRCU section.
            unsafe { bindings::kill_dax(dev) };
            // SAFETY: As above.
            assert_eq!(unsafe { fs_dax_get(dev, holder, &OPS) }, ENODEV.to_errno());
            // SAFETY: As above.
            assert!(unsafe { dax_holder(dev) }.is_null());
        })
    }
}

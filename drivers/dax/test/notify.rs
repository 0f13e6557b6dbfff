// SPDX-License-Identifier: GPL-2.0

//! Tests of calls to holders.

use kernel::prelude::*;

#[kunit_tests(rust_dax_notify)]
mod tests {
    use crate::sys::{
        holder::{
            HolderId,
            HolderOps, //
        },
        object::device_ref,
    };
    use core::ptr;
    use kernel::{
        error::from_err_ptr,
        ffi::{
            c_int,
            c_void, //
        },
        prelude::*,
        sync::atomic::{
            Atomic,
            Relaxed, //
        },
    };
    #[cfg(CONFIG_FS_DAX)]
    use kernel_ext::bindings::fs_dax_get;
    use kernel_ext::bindings::{
        self,
        dax_holder,
        dax_holder_notify_failure, //
    };

    /// The last failure that the holder was told, the number of calls, and the answer to the next.
    static OFFSET: Atomic<i64> = Atomic::new(0);
    static LEN: Atomic<i64> = Atomic::new(0);
    static FLAGS: Atomic<i32> = Atomic::new(0);
    static CALLS: Atomic<i32> = Atomic::new(0);
    static ANSWER: Atomic<i32> = Atomic::new(0);

    /// # Safety
    ///
    /// There is no condition: it uses none of its pointers. C calls unsafe functions only.
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

    static OPS: bindings::dax_holder_operations = bindings::dax_holder_operations {
        notify_failure: Some(notify),
    };

    /// Runs `test` with a device without operations, and returns its result. The device is dead then.
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
        // SAFETY: The tests pass a valid device, and the table is static.
        let (dev, ops) = unsafe { (device_ref(dev), HolderOps::lend(&OPS)) };
        let claim = dev.holder.claim(HolderId::from_raw(holder), ops);
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
            assert_eq!(
                FLAGS.load(Relaxed),
                bindings::mf_flags_MF_MEM_PRE_REMOVE as c_int
            );

            // SAFETY: The device is valid, and we are in no SRCU section.
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
            // SAFETY: The device is valid. It belongs to no instance.
            assert_eq!(unsafe { fs_dax_get(dev, holder, &OPS) }, ENODEV.to_errno());
            // SAFETY: The device is valid. It belongs to no instance.
            assert!(unsafe { dax_holder(dev) }.is_null());
        })
    }
}

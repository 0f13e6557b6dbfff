// SPDX-License-Identifier: GPL-2.0

//! Tests of tables, and of their ways into a device and out of it.

use kernel::prelude::*;

#[kunit_tests(rust_dax_ops)]
mod tests {
    use crate::{
        liveness,
        sys::table::{
            Base,
            Extended, //
        },
        test::tables::{
            Table,
            EXTENDED,
            TABLE, //
        },
    };
    use core::ptr;
    use kernel::{
        error::from_err_ptr,
        ffi::c_long,
        prelude::*, //
    };
    use kernel_ext::bindings::{
        self,
        alloc_dax,
        alloc_dax_ext,
        dax_set_ops, //
    };

    fn access(dev: *mut bindings::dax_device) -> c_long {
        let mode = bindings::dax_access_mode::DAX_ACCESS;
        let guard = liveness::read_lock();
        // SAFETY: The tests pass a device that they have made, and the read lock is held.
        let pages = unsafe {
            bindings::dax_direct_access(dev, 0, 1, mode, ptr::null_mut(), ptr::null_mut())
        };
        drop(guard);
        pages
    }

    /// Ends a device.
    fn end(dev: *mut bindings::dax_device) {
        // SAFETY: The tests own the only reference, which is given up here.
        unsafe {
            bindings::kill_dax(dev);
            bindings::put_dax(dev);
        }
    }

    #[test]
    fn incomplete_tables() {
        let none = Table {
            direct_access: None,
            ..TABLE
        };
        let no_zero = Table {
            zero_page_range: None,
            ..TABLE
        };
        // SAFETY: The tables live during the calls, and no device gets them.
        unsafe {
            assert!(Base::lend(&TABLE).is_ok_and(|table| table.is_some()));
            assert!(Base::lend(ptr::null()).is_ok_and(|table| table.is_none()));
            assert_eq!(Base::lend(&none).err(), Some(EINVAL));
            assert_eq!(Base::lend(&no_zero).err(), Some(EINVAL));
            assert!(Extended::lend(&EXTENDED).is_ok());
            assert_eq!(Extended::lend(ptr::null()).err(), Some(EINVAL));
        }
    }

    #[test]
    fn set_and_clear() -> Result {
        // SAFETY: No operations, and the tables are static.
        let dev = from_err_ptr(unsafe { alloc_dax(ptr::null_mut(), ptr::null()) })?;
        let set = |ops: *const Table| {
            // SAFETY: The device is valid, the tables are static.
            unsafe { dax_set_ops(dev, ops) }
        };
        assert!(access(dev) < 0);
        assert_eq!(set(&TABLE), 0);
        assert_eq!(access(dev), 1);
        assert_eq!(set(&TABLE), EBUSY.to_errno());
        assert_eq!(access(dev), 1);
        // Clearing always works, also twice.
        assert_eq!(set(ptr::null()), 0);
        assert!(access(dev) < 0);
        assert_eq!(set(ptr::null()), 0);
        assert_eq!(set(&TABLE), 0);
        assert_eq!(access(dev), 1);
        end(dev);
        Ok(())
    }

    #[test]
    fn extended_table_is_for_life() -> Result {
        // SAFETY: The table is static and does not use the private data.
        let dev = from_err_ptr(unsafe { alloc_dax_ext(ptr::null_mut(), &EXTENDED) })?;
        assert_eq!(access(dev), 1);
        // SAFETY: The device is valid, the table is static.
        assert_eq!(unsafe { dax_set_ops(dev, &TABLE) }, EBUSY.to_errno());
        // SAFETY: The device is valid, the tables are static.
        assert_eq!(unsafe { dax_set_ops(dev, ptr::null()) }, 0);
        assert!(access(dev) < 0);
        // SAFETY: The device is valid, the tables are static.
        assert_eq!(unsafe { dax_set_ops(dev, &TABLE) }, EBUSY.to_errno());
        end(dev);
        Ok(())
    }
}

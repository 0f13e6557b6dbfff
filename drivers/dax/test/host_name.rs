// SPDX-License-Identifier: GPL-2.0

//! Tests of the C symbols for names.

use kernel::prelude::*;

#[kunit_tests(rust_dax_host_name)]
mod tests {
    use core::ptr;
    use kernel::{
        error::from_err_ptr,
        ffi::c_int,
        prelude::*, //
    };
    use kernel_ext::bindings::{
        self,
        dax_add_host_name,
        dax_get_by_host,
        dax_remove_host_name, //
    };

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
        // SAFETY: We own the only reference, which is given up here. The name goes with the device.
        unsafe { bindings::put_dax(dev) };
        assert!(leads_to(c"kunit-host", none));
        Ok(())
    }

    #[test]
    fn names_that_are_none() {
        // SAFETY: NULL is refused.
        assert!(unsafe { dax_get_by_host(ptr::null()) }.is_null());
        // SAFETY: NULL is ignored.
        unsafe { dax_remove_host_name(ptr::null()) };
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Where C starts the core, and what all C symbols have in common.

use crate::device::DaxDevice;
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    ffi::c_int,
    prelude::*, //
};
use kernel_ext::bindings;

/// The device that C calls `ptr`, unless that is NULL.
///
/// # Safety
///
/// `ptr` must be NULL or a device that lives for `'a`.
#[inline]
pub(crate) unsafe fn device_from_raw<'a>(ptr: *mut bindings::dax_device) -> Option<&'a DaxDevice> {
    // CAST: What is opaque to C is an object of ours: `device_to_raw` made the pointer.
    // SAFETY: The caller ensures that the pointer is NULL or valid.
    unsafe { ptr.cast::<DaxDevice>().as_ref() }
}

/// The device that C calls `ptr`.
///
/// # Safety
///
/// `ptr` must be a device that lives for `'a`.
#[inline]
pub(crate) unsafe fn device_ref<'a>(ptr: *mut bindings::dax_device) -> &'a DaxDevice {
    // CAST: As in `device_from_raw`.
    // SAFETY: The caller ensures that the pointer is valid.
    unsafe { &*ptr.cast::<DaxDevice>() }
}

/// What C calls `device`.
#[inline]
pub(crate) fn device_to_raw(device: &DaxDevice) -> *mut bindings::dax_device {
    core::ptr::from_ref(device).cast_mut().cast()
}

kernel_ext::check_prototypes!(dax_core_init);

/// Initialises the core: `exports.c` makes it an initcall.
///
/// # Safety
///
/// Called once, when the kernel starts; `register_bus` must be a function that may be called then.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_core_init(
    register_bus: Option<unsafe extern "C" fn() -> c_int>,
) -> c_int {
    from_result(|| {
        let register_bus = register_bus.ok_or(EINVAL)?;
        // SAFETY: The caller ensures that it may be called now.
        crate::init(|| to_result(unsafe { register_bus() }))?;
        Ok(0)
    })
}

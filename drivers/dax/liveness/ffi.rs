// SPDX-License-Identifier: GPL-2.0

//! The C symbols for the life of a device.

use crate::{
    device::flag,
    ffi::{
        device_from_raw,
        device_ref, //
    },
};
use kernel::ffi::c_int;
use kernel_ext::{
    bindings,
    sync::srcu::Srcu, //
};

/// The SRCU domain of all devices.
#[inline]
pub(crate) fn srcu() -> &'static Srcu {
    // SAFETY: `DEFINE_SRCU()` in exports.c defines and initialises it.
    unsafe { Srcu::from_raw(&raw mut bindings::dax_srcu) }
}

kernel_ext::check_prototypes!(dax_read_lock, dax_read_unlock, dax_alive, kill_dax, run_dax);

/// Enters the domain in which a device that is alive stays usable. May be nested, may sleep.
///
/// # Safety
///
/// The caller must pass the result to [`dax_read_unlock`], in the same task.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_read_lock() -> c_int {
    srcu().read_lock().into_index()
}

/// Leaves the domain.
///
/// # Safety
///
/// `id` must be what [`dax_read_lock`] returned, in this task, and be used once.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_read_unlock(id: c_int) {
    // SAFETY: The caller ensures just this.
    unsafe { srcu().read_unlock(id) };
}

/// Whether a device is alive.
///
/// # Safety
///
/// `dev` must be a valid device, and the caller must be inside the domain (lockdep checks it).
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_alive(dev: *mut bindings::dax_device) -> bool {
    srcu().assert_read_held();
    // SAFETY: The caller ensures that it is valid.
    unsafe { device_ref(dev) }.flags.test(flag::ALIVE)
}

/// Kills a device and waits for those who use it. Sleeps; does nothing for NULL.
///
/// # Safety
///
/// `dev` must be NULL or a valid device, and the caller must not be inside the domain.
#[no_mangle]
pub(crate) unsafe extern "C" fn kill_dax(dev: *mut bindings::dax_device) {
    // SAFETY: The caller ensures that it is NULL or valid.
    if let Some(dev) = unsafe { device_from_raw(dev) } {
        super::kill(dev);
    }
}

/// Brings a device (back) to life: device-dax, whose devices live only while they are bound.
///
/// # Safety
///
/// `dev` must be a valid device.
#[no_mangle]
pub(crate) unsafe extern "C" fn run_dax(dev: *mut bindings::dax_device) {
    // SAFETY: The caller ensures that it is valid.
    super::run(unsafe { device_ref(dev) });
}

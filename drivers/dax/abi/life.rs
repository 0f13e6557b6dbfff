// SPDX-License-Identifier: GPL-2.0

//! The C symbols for the life of a device.

use crate::{
    device::flag,
    life, liveness,
    sys::{
        domain::DaxDomain,
        driver::Revival,
        object::{
            device_from_raw,
            device_ref, //
        },
    },
};
use kernel::ffi::c_int;
use kernel_ext::{
    bindings,
    sync::srcu::{
        self,
        Domain, //
    },
};

kernel_ext::check_prototypes!(dax_read_lock, dax_read_unlock, dax_alive, kill_dax, run_dax);

/// Enters the domain in which a device that is alive stays usable. May be nested, may sleep.
///
/// The caller must pass the result to [`dax_read_unlock`], in the same task, or no device can be
/// killed any more.
///
/// # Safety
///
/// There is no condition. The function is unsafe because the header declares it for C.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_read_lock() -> c_int {
    liveness::read_lock().into_index()
}

/// Leaves the domain.
///
/// # Safety
///
/// - `id` must be a value that [`dax_read_lock`] returned to the current task.
/// - It must not have been passed to this function before.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_read_unlock(id: c_int) {
    // SAFETY:
    // - `dax_read_lock` has taken the index from a guard for the domain, in this task.
    // - The caller ensures that it is used once.
    unsafe { srcu::read_unlock::<DaxDomain>(id) };
}

/// Whether a device is alive.
///
/// # Safety
///
/// - `dev` must be a device of which the caller has a reference.
/// - The caller must be inside the domain, or the answer means nothing (lockdep checks it).
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_alive(dev: *mut bindings::dax_device) -> bool {
    DaxDomain::srcu().assert_read_held();
    // SAFETY: The caller has a reference to the device.
    unsafe { device_ref(dev) }.has(flag::ALIVE)
}

/// Kills a device and waits for its users. Sleeps; does nothing for NULL.
///
/// # Safety
///
/// - `dev` must be NULL or a device of which the caller has a reference.
/// - The caller must not be inside the domain, or it waits for itself.
#[no_mangle]
pub(crate) unsafe extern "C" fn kill_dax(dev: *mut bindings::dax_device) {
    // SAFETY: The caller ensures that it is NULL or a device of which there is a reference.
    if let Some(dev) = unsafe { device_from_raw(dev) } {
        life::kill(dev);
    }
}

/// Brings a device (back) to life: device-dax, whose devices live only while they are bound.
///
/// # Safety
///
/// - `dev` must be a device of which the caller has a reference.
/// - Until the device is killed, its operations may be called with its private data.
#[no_mangle]
pub(crate) unsafe extern "C" fn run_dax(dev: *mut bindings::dax_device) {
    // SAFETY: The caller has a reference to the device.
    let dev = unsafe { device_ref(dev) };
    // SAFETY: The caller ensures that the driver of the device is there.
    dev.revive(unsafe { Revival::new() });
}

// SPDX-License-Identifier: GPL-2.0

//! The C symbols that give operations to a device.

use crate::{
    life,
    sys::{
        driver::{
            Given,
            Tables, //
        },
        object::{
            device_ref,
            into_raw, //
        },
        table::{
            Base,
            Extended, //
        },
    },
};
use kernel::{
    error::from_result,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    warn_on, //
};
use kernel_ext::bindings;

kernel_ext::check_prototypes!(alloc_dax, alloc_dax_ext, dax_set_ops);

/// Makes a device, and hands it to C.
fn alloc(given: Given) -> *mut bindings::dax_device {
    life::alloc(given).map_or_else(Error::to_ptr, into_raw)
}

/// Makes a device that is alive; `ops` may be NULL and come later ([`dax_set_ops`]).
///
/// Returns `-EINVAL` for an incomplete table and `-ENOMEM`, as error pointers. Sleeps.
///
/// # Safety
///
/// - `ops` must be NULL or a table that lives until the device is dead, or until [`dax_set_ops`] has
///   taken it out.
/// - The operations may be called with a device that has `private` as its private data.
#[no_mangle]
pub(crate) unsafe extern "C" fn alloc_dax(
    private: *mut c_void,
    ops: *const bindings::dax_operations,
) -> *mut bindings::dax_device {
    // C asks here for CPUs whose data caches alias (cpu_dcache_is_aliasing()). Kconfig allows none of
    // them.
    // SAFETY: The caller ensures that the table lives, and may be called with the new device. Before
    // the device is dead for C, or the table taken out, an SRCU grace period passes.
    let Ok(table) = (unsafe { Base::lend(ops) }) else {
        warn_on!(true);
        return EINVAL.to_ptr();
    };
    // SAFETY: The caller ensures that the operations may be called with `private`, and those of
    // `dax_set_ops` that they may be called with the device.
    alloc(unsafe { Given::new(private, table.map_or(Tables::None, Tables::Base)) })
}

/// Makes a device with optional operations; otherwise as [`alloc_dax`].
///
/// # Safety
///
/// As for [`alloc_dax`].
#[no_mangle]
pub(crate) unsafe extern "C" fn alloc_dax_ext(
    private: *mut c_void,
    ops: *const bindings::dax_operations_ext,
) -> *mut bindings::dax_device {
    // SAFETY: The caller ensures that the table lives, and may be called with the new device. Before
    // the device is dead for C, or the table taken out, an SRCU grace period passes.
    let Ok(table) = (unsafe { Extended::lend(ops) }) else {
        warn_on!(true);
        return EINVAL.to_ptr();
    };
    // SAFETY: The caller ensures that the operations may be called with `private`; a device with an
    // extended table never gets others.
    alloc(unsafe { Given::new(private, Tables::Extended(table)) })
}

/// Gives operations to a device that has none (`-EBUSY` if it has), or takes them from it and waits
/// until none of them runs, if `ops` is NULL.
///
/// Returns `-EINVAL` for an incomplete table. Sleeps if `ops` is NULL.
///
/// # Safety
///
/// - `dev` must be a device of which the caller has a reference.
/// - `ops` must be NULL or a table that lives until the device is dead, or until this function has
///   taken it out.
/// - The operations may be called with the device.
/// - If `ops` is NULL, the caller must not be inside the SRCU domain, or it waits for itself.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_set_ops(
    dev: *mut bindings::dax_device,
    ops: *const bindings::dax_operations,
) -> c_int {
    // SAFETY: The caller has a reference to the device.
    let dev = unsafe { device_ref(dev) };
    // SAFETY: The caller ensures that the table lives, and may be called with the device. Before
    // the device is dead for C, or the table taken out, an SRCU grace period passes.
    let table = unsafe { Base::lend(ops) };
    warn_on!(table.is_err());
    from_result(|| {
        match table? {
            Some(table) => dev.set_ops(table)?,
            None => dev.ops.take_out(),
        }
        Ok(0)
    })
}

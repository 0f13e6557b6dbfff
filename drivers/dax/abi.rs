// SPDX-License-Identifier: GPL-2.0

//! The C symbols of the core: each checks and converts the arguments, and calls safe code.

mod access;
mod device;
mod holder;
mod host;
mod life;
mod ops;

use kernel::{
    error::{
        from_result,
        to_result, //
    },
    ffi::c_int,
    prelude::*, //
};

kernel_ext::check_prototypes!(dax_core_init);

/// Initialises the core: `exports.c` makes it an initcall.
///
/// # Safety
///
/// - Called once, when the kernel starts.
/// - `register_bus` must be a function that may be called then.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_core_init(
    register_bus: Option<unsafe extern "C" fn() -> c_int>,
) -> c_int {
    from_result(|| {
        let register_bus = register_bus.ok_or(EINVAL)?;
        // SAFETY: The caller ensures that the function may be called now.
        crate::init::init(|| to_result(unsafe { register_bus() }))?;
        Ok(0)
    })
}

// SPDX-License-Identifier: GPL-2.0

//! The C symbol that starts filesystem-DAX.

use crate::sys::wait;
use kernel::ffi::c_int;

kernel_ext::check_prototypes!(fs_dax_init);

/// Initialises filesystem-DAX: `exports.c` makes it an initcall.
///
/// # Safety
///
/// Called once, when the kernel starts, before a filesystem can be mounted.
#[no_mangle]
pub(crate) unsafe extern "C" fn fs_dax_init() -> c_int {
    // SAFETY:
    // - The caller calls this once, and nothing else calls `init()`.
    // - There are no files before a filesystem is mounted.
    unsafe { wait::init() };
    0
}

// SPDX-License-Identifier: GPL-2.0

//! Where C starts filesystem-DAX, and what all C symbols have in common.

use kernel::ffi::c_int;
use kernel_ext::wait;

kernel_ext::check_prototypes!(fs_dax_init);

/// Initialises filesystem-DAX: `exports.c` makes it an initcall.
///
/// # Safety
///
/// Called once, when the kernel starts, before a filesystem can be mounted.
#[no_mangle]
pub(crate) unsafe extern "C" fn fs_dax_init() -> c_int {
    // SAFETY: The caller ensures that there are no files yet.
    unsafe { wait::init() };
    0
}

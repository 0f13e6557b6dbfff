// SPDX-License-Identifier: GPL-2.0

//! Where C starts filesystem-DAX, and what all C symbols have in common.

use kernel::ffi::c_int;
use kernel_ext::wait;

/// Checks at compile time that functions have the types that the headers declare for C.
///
/// What the kernel's `#[export]` does, for the bindings of `kernel_ext`.
macro_rules! check_prototypes {
    ($($name:ident),* $(,)?) => {
        $(
            // All branches of an `if` have the same type.
            const _: () = {
                if true {
                    ::kernel_ext::bindings::$name
                } else {
                    $name
                };
            };
        )*
    };
}
pub(crate) use check_prototypes;

check_prototypes!(fs_dax_init);

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

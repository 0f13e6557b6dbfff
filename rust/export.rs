// SPDX-License-Identifier: GPL-2.0

//! C symbols that are written in Rust.
//!
//! [`rust/macros/export.rs`](srctree/rust/macros/export.rs) does the same for the kernel's own bindings.

/// Checks at compile time that functions have the types that the headers declare.
///
/// # Examples
///
/// ```
/// use kernel::ffi::c_int;
///
/// kernel_ext::check_prototypes!(dax_read_unlock);
///
/// /// # Safety
/// ///
/// /// `id` must come from `dax_read_lock()` of the same task.
/// unsafe extern "C" fn dax_read_unlock(id: c_int) {
///     let _ = id;
/// }
/// ```
#[macro_export]
macro_rules! check_prototypes {
    ($($name:ident),* $(,)?) => {
        $(
            // All branches of an `if` have the same type.
            const _: () = {
                if true {
                    $crate::bindings::$name
                } else {
                    $name
                };
            };
        )*
    };
}

// SPDX-License-Identifier: GPL-2.0

//! Bindings to C items that `kernel::bindings` lacks, and everything it has.
//!
//! Only the abstractions of this crate and the `ffi.rs` files of the components use it.

#![allow(
    ambiguous_glob_reexports,
    clippy::all,
    clippy::cast_lossless,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]
#![doc(hidden)]

mod generated {
    use kernel::bindings::*;
    use kernel::ffi;
    use pin_init::MaybeZeroable;

    include!(concat!(
        env!("KERNEL_EXT_BINDINGS"),
        "/bindings_generated.rs"
    ));
}

mod helpers {
    use super::generated::*;
    use kernel::bindings::*;
    use kernel::ffi;

    include!(concat!(
        env!("KERNEL_EXT_BINDINGS"),
        "/helpers_generated.rs"
    ));
}

// Of these, the kernel's bindings only have the name.
pub use generated::badblocks;
pub use generated::*;
pub use helpers::*;
pub use kernel::bindings::*;

// SPDX-License-Identifier: GPL-2.0

//! Bindings to C items: those of `kernel::bindings`, and those that it lacks.
//!
//! Only the abstractions of this crate and the `abi` and `sys` files of the components use them.

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

// The kernel's bindings have this name for an opaque type.
pub use generated::badblocks;
// The kernel has helpers of these names since 7.3. Ours go away with 7.2.
pub use helpers::{
    srcu_read_lock,
    srcu_read_unlock, //
};

pub use generated::*;
pub use helpers::*;
pub use kernel::bindings::*;

// SPDX-License-Identifier: GPL-2.0

//! Symbols for C that are written in Rust.
//!
//! The counterpart of [`rust/macros/export.rs`](srctree/rust/macros/export.rs), which knows only the
//! kernel's own bindings.

/// Checks at compile time that functions have the types that the headers declare for C.
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

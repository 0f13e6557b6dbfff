// SPDX-License-Identifier: GPL-2.0

//! Warnings that are given once.
//!
//! C header: [`include/asm-generic/bug.h`](srctree/include/asm-generic/bug.h)

/// Reports a warning the first time that `cond` is true at this place, and returns what it is.
///
/// As `kernel::warn_on!`, for what an object in a broken state would repeat endlessly.
#[macro_export]
macro_rules! warn_on_once {
    ($cond:expr) => {{
        let cond = $cond;
        if cond {
            const ONCE: u32 = ::kernel::bug::bugflag_taint($crate::bindings::TAINT_WARN)
                | $crate::bindings::BUGFLAG_ONCE;
            ::kernel::warn_flags!(file!(), ONCE);
        }
        cond
    }};
}
pub use warn_on_once;

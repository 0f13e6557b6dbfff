// SPDX-License-Identifier: GPL-2.0

//! Warnings that the kernel reports once.
//!
//! C header: [`include/asm-generic/bug.h`](srctree/include/asm-generic/bug.h)

/// Reports a warning the first time that `cond` is true at this place, and returns `cond`
/// (`WARN_ON_ONCE()`).
///
/// Like `kernel::warn_on!`, for a state that would cause the same warning again and again.
///
/// # Examples
///
/// ```
/// use kernel_ext::warn_on_once;
///
/// fn checked_len(len: usize) -> Option<usize> {
///     (!warn_on_once!(len > 4096)).then_some(len)
/// }
/// assert_eq!(checked_len(1), Some(1));
/// ```
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

// SPDX-License-Identifier: GPL-2.0

//! Trace points that C headers define.
//!
//! As `kernel::tracepoint`, for trace points in the bindings of this crate. One C unit of the
//! component defines them: it includes the header with `CREATE_TRACE_POINTS` and
//! `CREATE_RUST_TRACE_POINTS` set.
//!
//! C header: [`include/linux/tracepoint.h`](srctree/include/linux/tracepoint.h)

/// Declares the Rust entry points of trace points.
///
/// Each is an unsafe function that requires of its arguments what the assignments in the C header
/// do. A trace point that is disabled costs no call.
#[macro_export]
macro_rules! declare_trace {
    ($($(#[$attr:meta])* $vis:vis unsafe fn $name:ident($($arg:ident: $ty:ty),* $(,)?);)*) => {$(
        $(#[$attr])*
        #[inline(always)]
        $vis unsafe fn $name($($arg: $ty),*) {
            #[cfg(CONFIG_TRACEPOINTS)]
            ::kernel::macros::paste! {
                // SAFETY: This is the static key of a trace point.
                let enabled = unsafe {
                    ::kernel::jump_label::static_branch_unlikely!(
                        $crate::bindings::[<__tracepoint_ $name>],
                        $crate::bindings::tracepoint,
                        key
                    )
                };
                if enabled {
                    // SAFETY: The caller ensures what the trace point needs.
                    unsafe { $crate::bindings::[<rust_do_trace_ $name>]($($arg),*) };
                }
            }
            #[cfg(not(CONFIG_TRACEPOINTS))]
            {
                $(let _ = $arg;)*
            }
        }
    )*};
}
pub use declare_trace;

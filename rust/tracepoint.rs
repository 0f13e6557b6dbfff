// SPDX-License-Identifier: GPL-2.0

//! Trace points that C headers define.
//!
//! Like `kernel::tracepoint`, for trace points in the bindings of this crate. A C unit of the
//! component defines them: it includes the header with `CREATE_TRACE_POINTS` and
//! `CREATE_RUST_TRACE_POINTS` set.
//!
//! C header: [`include/linux/tracepoint.h`](srctree/include/linux/tracepoint.h)

/// Declares the Rust entry points of trace points.
///
/// Each is an unsafe function, whose arguments must be valid for the assignments of the trace point
/// in the C header. A trace point that is disabled costs no call.
///
/// # Examples
///
/// ```
/// use kernel::ffi::c_ulong;
/// use kernel_ext::{bindings, fs::inode::Inode, tracepoint::declare_trace};
///
/// declare_trace! {
///     unsafe fn dax_writeback_one(inode: *mut bindings::inode, pgoff: c_ulong, pglen: c_ulong);
/// }
///
/// fn trace(inode: &Inode, first: usize, pages: usize) {
///     // SAFETY: The trace point reads the inode, which is valid by its type invariants.
///     unsafe { dax_writeback_one(inode.as_raw(), first, pages) };
/// }
/// # let _ = trace;
/// ```
#[macro_export]
macro_rules! declare_trace {
    ($($(#[$attr:meta])* $vis:vis unsafe fn $name:ident($($arg:ident: $ty:ty),* $(,)?);)*) => {$(
        $(#[$attr])*
        #[inline(always)]
        $vis unsafe fn $name($($arg: $ty),*) {
            #[cfg(CONFIG_TRACEPOINTS)]
            ::kernel::macros::paste! {
                // SAFETY: By its name and type this is the static key of a trace point, which lives
                // as long as the code that asks.
                let enabled = unsafe {
                    ::kernel::jump_label::static_branch_unlikely!(
                        $crate::bindings::[<__tracepoint_ $name>],
                        $crate::bindings::tracepoint,
                        key
                    )
                };
                if enabled {
                    // SAFETY: The caller ensures that the arguments are valid for the assignments
                    // of the trace point.
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

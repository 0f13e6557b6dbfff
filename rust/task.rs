// SPDX-License-Identifier: GPL-2.0

//! The current task.
//!
//! C header: [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h)

use crate::bindings;
use kernel::task::Task;

/// Whether the current task has been killed and should return soon (`fatal_signal_pending()`).
///
/// Looks at the flag of the task that C looks at first, because it is clear nearly always: the call
/// of C's inline function, which is none here, takes 9 instructions more for each window of a read
/// or write.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::task::fatal_signal_pending;
///
/// fn each(count: usize, mut f: impl FnMut(usize)) -> Result {
///     for i in 0..count {
///         if fatal_signal_pending() {
///             return Err(EINTR);
///         }
///         f(i);
///     }
///     Ok(())
/// }
/// # let _ = each(0, |_| ());
/// ```
#[inline]
pub fn fatal_signal_pending() -> bool {
    let task = Task::current_raw();
    // SAFETY: The current task lives while it runs this. Others change the flags at any time; C
    // reads them by one load too.
    let flags = unsafe { (&raw const (*task).thread_info.flags).read_volatile() };
    if flags & (1 << bindings::TIF_SIGPENDING) == 0 {
        return false;
    }
    // SAFETY: The current task lives while it runs this. The function reads fields of it.
    unsafe { bindings::fatal_signal_pending(task) }
}

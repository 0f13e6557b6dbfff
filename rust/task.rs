// SPDX-License-Identifier: GPL-2.0

//! The current task.
//!
//! C header: [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h)

use crate::bindings;
use kernel::task::Task;

/// Whether the current task has been killed and should return soon (`fatal_signal_pending()`).
#[inline]
pub fn fatal_signal_pending() -> bool {
    let task = Task::current_raw();
    // SAFETY: The current task is valid. Its flags change at any time, and are read in one piece.
    let flags = unsafe { (&raw const (*task).thread_info.flags).read_volatile() };
    if flags & (1 << bindings::TIF_SIGPENDING) == 0 {
        return false;
    }
    // SAFETY: The current task is valid.
    unsafe { bindings::fatal_signal_pending(task) }
}

// SPDX-License-Identifier: GPL-2.0

//! Waiting for something to happen to a variable, whose address stands for it.
//!
//! C header: [`include/linux/wait_bit.h`](srctree/include/linux/wait_bit.h)

use crate::{
    bindings,
    timer::call_with_alarm, //
};
use core::mem::MaybeUninit;
use kernel::{
    ffi::{
        c_int,
        c_long,
        c_void, //
    },
    prelude::*,
    time::{
        msecs_to_jiffies,
        Jiffies, //
    },
};

/// After so long the condition is asked again, even if nobody says that something has happened.
#[inline]
fn period() -> Jiffies {
    msecs_to_jiffies(100)
}

/// Waits until `condition` holds. Sleeps; a signal does not end the wait.
///
/// `condition` is asked again whenever somebody calls `wake_up_var(var)`, and once in a while.
pub fn wait_var(var: *const c_void, condition: impl FnMut() -> bool) {
    let period = period() as c_long;
    // Only a signal makes it fail.
    let _ = wait(var, bindings::TASK_UNINTERRUPTIBLE, condition, || {
        // SAFETY: The caller may sleep.
        unsafe { bindings::schedule_timeout(period) };
    });
}

/// Waits until `condition` holds or a signal comes, for which `ERESTARTSYS` is returned.
///
/// In place of sleeping, `sleep` is called, with the state of the task already set. It is to give
/// back what the one who makes the condition true may need, to call `schedule()`, and to take it
/// again. Otherwise as [`wait_var`].
pub fn wait_var_interruptible(
    var: *const c_void,
    condition: impl FnMut() -> bool,
    mut sleep: impl FnMut(),
) -> Result {
    let period = period();
    wait(var, bindings::TASK_INTERRUPTIBLE, condition, || {
        call_with_alarm(period, &mut sleep)
    })
}

/// What `___wait_var_event()` is in C.
fn wait(
    var: *const c_void,
    state: u32,
    mut condition: impl FnMut() -> bool,
    mut sleep: impl FnMut(),
) -> Result {
    let var = var.cast_mut();
    let mut entry = MaybeUninit::<bindings::wait_bit_queue_entry>::uninit();
    let entry = entry.as_mut_ptr();
    // SAFETY: Any address stands for a queue. The entry is valid memory for what is written there;
    // it is not moved, because from here on it is only used through the pointer.
    let (queue, waiter) = unsafe {
        bindings::init_wait_var_entry(entry, var, 0);
        (bindings::__var_waitqueue(var), &raw mut (*entry).wq_entry)
    };
    loop {
        // SAFETY: Both are initialised. Before the memory of the entry ends, it leaves the queue:
        // by `finish_wait()`, or, if there is a signal, in this function.
        let signal = unsafe { bindings::prepare_to_wait_event(queue, waiter, state as c_int) };
        if condition() {
            break;
        }
        if signal != 0 && state == bindings::TASK_INTERRUPTIBLE {
            return Err(Error::from_errno(signal as c_int));
        }
        sleep();
    }
    // SAFETY: Both are initialised.
    unsafe { bindings::finish_wait(queue, waiter) };
    Ok(())
}

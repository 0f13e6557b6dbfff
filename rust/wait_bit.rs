// SPDX-License-Identifier: GPL-2.0

//! Waiting for a change of a variable; its address is the key under which waiters and wakers meet.
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

/// How long a waiter sleeps without a wake-up before it evaluates its condition again.
#[inline]
fn period() -> Jiffies {
    msecs_to_jiffies(100)
}

/// Waits until `condition` holds. Sleeps; a signal does not end the wait.
///
/// The task evaluates `condition` again after each `wake_up_var(var)`, and at least each 100 ms.
/// `var` is never dereferenced, so any address will do.
///
/// # Examples
///
/// ```
/// use core::{ptr, sync::atomic::{AtomicBool, Ordering}};
/// use kernel_ext::wait_bit::wait_var;
///
/// fn wait_until_done(done: &AtomicBool) {
///     wait_var(ptr::from_ref(done).cast(), || done.load(Ordering::Acquire));
/// }
/// # let _ = wait_until_done;
/// ```
pub fn wait_var(var: *const c_void, condition: impl FnMut() -> bool) {
    let period = period() as c_long;
    // Only a signal makes it fail, and none does in this state.
    let _ = wait(var, bindings::TASK_UNINTERRUPTIBLE, condition, || {
        // SAFETY: May be called where the caller may sleep, as the documentation demands; elsewhere
        // it is a bug that the kernel reports, and not unsafe.
        unsafe { bindings::schedule_timeout(period) };
    });
}

/// Waits until `condition` holds, or fails with `ERESTARTSYS` when a signal comes.
///
/// Calls `sleep` in place of sleeping, with the state of the task already set. `sleep` unlocks what
/// the task that makes the condition true may need, calls `schedule()`, and locks it again.
/// Otherwise like [`wait_var`].
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

/// The loop of `___wait_var_event()`, which is a macro in C.
fn wait(
    var: *const c_void,
    state: u32,
    mut condition: impl FnMut() -> bool,
    mut sleep: impl FnMut(),
) -> Result {
    let var = var.cast_mut();
    let mut entry = MaybeUninit::<bindings::wait_bit_queue_entry>::uninit();
    let entry = entry.as_mut_ptr();
    // SAFETY:
    // - The entry is memory for what the first function writes there, and does not move: from here
    //   on it is used only through the pointer.
    // - The functions do not dereference the address of the variable, which is hashed to a queue
    //   that is static.
    let (queue, waiter) = unsafe {
        bindings::init_wait_var_entry(entry, var, 0);
        (bindings::__var_waitqueue(var), &raw mut (*entry).wq_entry)
    };
    loop {
        // SAFETY:
        // - The queue is static, and the entry was initialised above.
        // - The entry leaves the queue before its memory goes: by `finish_wait()`, or, if there is
        //   a signal, by this function. The closures do not unwind: a panic stops the kernel.
        let signal = unsafe { bindings::prepare_to_wait_event(queue, waiter, state as c_int) };
        if condition() {
            break;
        }
        if signal != 0 && state == bindings::TASK_INTERRUPTIBLE {
            return Err(Error::from_errno(signal as c_int));
        }
        sleep();
    }
    // SAFETY: The queue is static, and the entry was initialised above and has not moved.
    unsafe { bindings::finish_wait(queue, waiter) };
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! Timers.
//!
//! C header: [`include/linux/timer.h`](srctree/include/linux/timer.h)

use crate::bindings;
use kernel::{
    ffi::c_void,
    time::Jiffies, //
};

/// Calls `f`, and wakes the current task after `timeout` if `f` sleeps then. Sleeps.
///
/// For an `f` that sleeps without a timeout of its own, and returns when the task is woken,
/// whatever the cause.
///
/// # Examples
///
/// ```
/// use kernel::time::msecs_to_jiffies;
/// use kernel_ext::timer::call_with_alarm;
///
/// fn sleep_briefly(mut sleep: impl FnMut()) {
///     call_with_alarm(msecs_to_jiffies(100), &mut sleep);
/// }
/// # let _: fn(fn()) = sleep_briefly;
/// ```
pub fn call_with_alarm<F: FnMut()>(timeout: Jiffies, f: &mut F) {
    /// # Safety
    ///
    /// `f` must be an `F`, and until the function returns it must be used only by this call.
    unsafe extern "C" fn call<F: FnMut()>(f: *mut c_void) {
        // SAFETY: The caller ensures that `f` is an `F`, and that only this call uses it.
        unsafe { (*f.cast::<F>())() };
    }

    // SAFETY:
    // - The function calls `call` once, before it returns, with the pointer that it got: to an `F`,
    //   which is ours while we borrow it.
    // - Before it returns it stops its timer, which is on its stack and refers to the current task.
    unsafe { bindings::call_with_alarm(Some(call::<F>), core::ptr::from_mut(f).cast(), timeout) };
}

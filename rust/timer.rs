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
/// For an `f` that sleeps without a limit of its own, and comes back when it is woken without reason.
pub fn call_with_alarm<F: FnMut()>(timeout: Jiffies, f: &mut F) {
    /// # Safety
    ///
    /// `f` must be an `F` that nobody else uses.
    unsafe extern "C" fn call<F: FnMut()>(f: *mut c_void) {
        // SAFETY: The caller ensures that it is valid.
        unsafe { (*f.cast::<F>())() };
    }

    // SAFETY: The function calls `call` once, with the closure, before it returns.
    unsafe { bindings::call_with_alarm(Some(call::<F>), core::ptr::from_mut(f).cast(), timeout) };
}

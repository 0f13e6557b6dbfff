// SPDX-License-Identifier: GPL-2.0

//! The checks of KASAN that the compiler adds to C code, and cannot add to assembly.

#[cfg(CONFIG_KASAN)]
use crate::bindings;

/// Reports a read of freed or foreign memory, with KASAN.
#[inline(always)]
pub(super) fn read(addr: *const u8, len: usize) {
    #[cfg(CONFIG_KASAN)]
    // SAFETY: The function takes any range.
    let _ = unsafe { bindings::__kasan_check_read(addr.cast(), len as _) };
    let _ = (addr, len);
}

/// Reports a write to freed or foreign memory, with KASAN.
#[inline(always)]
pub(super) fn write(addr: *const u8, len: usize) {
    #[cfg(CONFIG_KASAN)]
    // SAFETY: The function takes any range.
    let _ = unsafe { bindings::__kasan_check_write(addr.cast(), len as _) };
    let _ = (addr, len);
}

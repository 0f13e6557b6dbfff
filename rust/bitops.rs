// SPDX-License-Identifier: GPL-2.0

//! A word of flags that are changed one by one.
//!
//! C header: [`include/linux/bitops.h`](srctree/include/linux/bitops.h)

use crate::bindings;
use core::cell::UnsafeCell;
use kernel::ffi::c_ulong;

/// Up to 32 flags that any context may read and change.
///
/// The accesses do not order anything else.
#[repr(transparent)]
#[derive(Default)]
pub struct Flags(UnsafeCell<c_ulong>);

// SAFETY: All accesses through a shared reference are atomic.
unsafe impl Sync for Flags {}

impl Flags {
    /// No flag is set.
    pub const fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    /// The value of all flags: bit `n` is the flag `n`.
    #[inline(always)]
    pub fn load(&self) -> u32 {
        // SAFETY: The pointer is valid, and a word is read in one piece (`READ_ONCE()`).
        (unsafe { self.0.get().read_volatile() }) as u32
    }

    /// Whether the flag `bit` is set.
    #[inline(always)]
    pub fn test(&self, bit: u32) -> bool {
        self.load() & (1 << bit) != 0
    }

    /// Sets the flag `bit`, which is less than 32.
    #[inline]
    pub fn set(&self, bit: u32) {
        debug_assert!(bit < u32::BITS);
        // SAFETY: The pointer is valid for atomic accesses, and the bit is inside the word.
        unsafe { bindings::set_bit(bit as usize, self.0.get()) };
    }

    /// Clears the flag `bit`, which is less than 32.
    #[inline]
    pub fn clear(&self, bit: u32) {
        debug_assert!(bit < u32::BITS);
        // SAFETY: The pointer is valid for atomic accesses, and the bit is inside the word.
        unsafe { bindings::clear_bit(bit as usize, self.0.get()) };
    }

    /// Sets or clears the flag `bit`.
    #[inline]
    pub fn assign(&self, bit: u32, value: bool) {
        if value {
            self.set(bit);
        } else {
            self.clear(bit);
        }
    }

    /// Clears all flags of an object that nobody else can reach.
    pub fn reset(&self) {
        // SAFETY: As for `load`, for a write.
        unsafe { self.0.get().write_volatile(0) };
    }
}

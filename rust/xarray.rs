// SPDX-License-Identifier: GPL-2.0

//! Numbers that an XArray stores in place of pointers.
//!
//! The XArray of the kernel crate stores owned pointers only. This file does not depend on the
//! kernel, so that its users can be tested on the host.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use core::num::NonZeroUsize;

/// A value entry: a number of one bit less than a pointer (`xa_mk_value()`).
///
/// # Invariants
///
/// The lowest bit, which distinguishes a value from a pointer, is set.
///
/// # Examples
///
/// ```
/// use kernel_ext::xarray::Value;
///
/// let value = Value::new(5);
/// assert_eq!(value.get(), 5);
/// assert_eq!(Value::from_bits(value.bits()), Some(value));
/// // The address of an object is no value.
/// assert_eq!(Value::from_bits(0x1000), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Value(NonZeroUsize);

impl Value {
    /// The entry for the number `n`; the highest bit of `n` is lost.
    #[inline]
    pub const fn new(n: usize) -> Self {
        Self::tagged(n << 1)
    }

    /// The number (`xa_to_value()`).
    #[inline]
    pub const fn get(self) -> usize {
        self.0.get() >> 1
    }

    /// The entry that an array stores as `bits`, if `bits` is a value (`xa_is_value()`).
    #[inline]
    pub const fn from_bits(bits: usize) -> Option<Self> {
        if bits & 1 != 0 {
            Some(Self::tagged(bits))
        } else {
            None
        }
    }

    /// The bits that an array stores for the entry.
    #[inline]
    pub const fn bits(self) -> usize {
        self.0.get()
    }

    #[inline]
    const fn tagged(bits: usize) -> Self {
        // INVARIANT: `bits | 1` has the lowest bit set; so has `NonZeroUsize::MIN`.
        // A number with a bit set is not zero, so the second arm is never taken.
        match NonZeroUsize::new(bits | 1) {
            Some(bits) => Self(bits),
            None => Self(NonZeroUsize::MIN),
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Numbers that an XArray stores instead of pointers.
//!
//! Nothing here depends on the kernel, so what is built on it can also be tested on the host.

use core::num::NonZeroUsize;

/// A value entry: a number of one bit less than a pointer (`xa_mk_value()`).
///
/// # Invariants
///
/// The lowest bit, which tells a value from a pointer, is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Value(NonZeroUsize);

impl Value {
    /// The entry for the number `n`, whose highest bit is lost.
    #[inline]
    pub const fn new(n: usize) -> Self {
        Self::tagged(n << 1)
    }

    /// The number.
    #[inline]
    pub const fn get(self) -> usize {
        self.0.get() >> 1
    }

    /// The entry that is stored as `bits`, if that is a value.
    #[inline]
    pub const fn from_bits(bits: usize) -> Option<Self> {
        if bits & 1 != 0 {
            Some(Self::tagged(bits))
        } else {
            None
        }
    }

    /// What is stored.
    #[inline]
    pub const fn bits(self) -> usize {
        self.0.get()
    }

    #[inline]
    const fn tagged(bits: usize) -> Self {
        // INVARIANT: The lowest bit of an odd number is set.
        // A number with a bit set is not zero, so that the other arm is never taken.
        match NonZeroUsize::new(bits | 1) {
            Some(bits) => Self(bits),
            None => Self(NonZeroUsize::MIN),
        }
    }
}

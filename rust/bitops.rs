// SPDX-License-Identifier: GPL-2.0

//! A word of flags that are changed one by one.
//!
//! C header: [`include/linux/bitops.h`](srctree/include/linux/bitops.h)

use crate::bindings;
use core::{
    cell::UnsafeCell,
    marker::PhantomData, //
};
use kernel::ffi::c_ulong;

/// A flag of the words of type `W`.
///
/// # Invariants
///
/// `number` is less than 32.
///
/// # Examples
///
/// ```
/// use kernel_ext::bitops::{AtomicFlags, Flag};
///
/// /// The flags of a door.
/// struct Door;
///
/// const OPEN: Flag<Door> = Flag::new::<0>();
/// const LOCKED: Flag<Door> = Flag::new::<1>();
///
/// fn shut(door: &AtomicFlags<Door>) -> bool {
///     door.clear(OPEN);
///     !door.load().contains(LOCKED)
/// }
/// ```
pub struct Flag<W> {
    number: u32,
    _word: PhantomData<fn() -> W>,
}

impl<W> Clone for Flag<W> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Flag<W> {}

impl<W> Flag<W> {
    /// The flag with the number `N`; a number from 32 on does not compile.
    #[inline]
    pub const fn new<const N: u32>() -> Self {
        const { assert!(N < u32::BITS) };
        // INVARIANT: Checked above, at compile time.
        Self {
            number: N,
            _word: PhantomData,
        }
    }

    /// The set of this flag alone.
    #[inline(always)]
    pub const fn set(self) -> FlagSet<W> {
        FlagSet {
            bits: 1 << self.number,
            _word: PhantomData,
        }
    }
}

/// Some of the flags of a word, as they were when the word was read.
///
/// # Examples
///
/// ```
/// use kernel_ext::bitops::{Flag, FlagSet};
///
/// fn are_both_set<W>(flags: FlagSet<W>, one: Flag<W>, other: Flag<W>) -> bool {
///     let both = one.set().with(other);
///     flags.intersection(both) == both
/// }
/// ```
pub struct FlagSet<W> {
    bits: u32,
    _word: PhantomData<fn() -> W>,
}

impl<W> Clone for FlagSet<W> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for FlagSet<W> {}

impl<W> PartialEq for FlagSet<W> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<W> Eq for FlagSet<W> {}

impl<W> FlagSet<W> {
    /// This set and `flag`.
    #[inline(always)]
    pub const fn with(self, flag: Flag<W>) -> Self {
        Self {
            bits: self.bits | 1 << flag.number,
            _word: PhantomData,
        }
    }

    /// The flags that are in both sets.
    #[inline(always)]
    pub const fn intersection(self, other: Self) -> Self {
        Self {
            bits: self.bits & other.bits,
            _word: PhantomData,
        }
    }

    /// Whether `flag` is in the set.
    #[inline(always)]
    pub const fn contains(self, flag: Flag<W>) -> bool {
        self.bits & 1 << flag.number != 0
    }

    /// Whether no flag is in the set.
    #[inline(always)]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }
}

/// A word of up to 32 flags that any context may read and change.
///
/// The accesses do not order any other access to memory.
///
/// # Examples
///
/// ```
/// use kernel_ext::bitops::{AtomicFlags, Flag};
///
/// struct Door;
///
/// const OPEN: Flag<Door> = Flag::new::<0>();
///
/// let door = AtomicFlags::new();
/// assert!(!door.test(OPEN));
/// door.set(OPEN);
/// assert!(door.test(OPEN));
/// ```
#[repr(transparent)]
pub struct AtomicFlags<W> {
    word: UnsafeCell<c_ulong>,
    _word: PhantomData<fn() -> W>,
}

// SAFETY: All accesses to the word through a shared reference are atomic.
unsafe impl<W> Sync for AtomicFlags<W> {}

impl<W> Default for AtomicFlags<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W> AtomicFlags<W> {
    /// A word in which no flag is set.
    pub const fn new() -> Self {
        Self {
            word: UnsafeCell::new(0),
            _word: PhantomData,
        }
    }

    /// The flags that are set now.
    #[inline(always)]
    pub fn load(&self) -> FlagSet<W> {
        // SAFETY:
        // - The pointer is that of a field of `self`.
        // - The read is a single load of an aligned word (`READ_ONCE()`), which races with no
        //   access but the atomic ones of this type.
        let word = unsafe { self.word.get().read_volatile() };
        FlagSet {
            bits: word as u32,
            _word: PhantomData,
        }
    }

    /// Whether `flag` is set.
    #[inline(always)]
    pub fn test(&self, flag: Flag<W>) -> bool {
        self.load().contains(flag)
    }

    /// Sets `flag`.
    #[inline]
    pub fn set(&self, flag: Flag<W>) {
        // SAFETY:
        // - The pointer is that of a field of `self`.
        // - The bit is inside the word by the type invariant of `Flag`.
        unsafe { bindings::set_bit(flag.number as usize, self.word.get()) };
    }

    /// Clears `flag`.
    #[inline]
    pub fn clear(&self, flag: Flag<W>) {
        // SAFETY:
        // - The pointer is that of a field of `self`.
        // - The bit is inside the word by the type invariant of `Flag`.
        unsafe { bindings::clear_bit(flag.number as usize, self.word.get()) };
    }

    /// Sets or clears `flag`.
    #[inline]
    pub fn assign(&self, flag: Flag<W>, value: bool) {
        if value {
            self.set(flag);
        } else {
            self.clear(flag);
        }
    }

    /// Clears all flags at once. Only for an object that nothing else can reach: a flag that
    /// another task sets at the same time may be lost.
    #[inline]
    pub fn reset(&self) {
        // SAFETY:
        // - The pointer is that of a field of `self`.
        // - The write is a single store of an aligned word (`WRITE_ONCE()`).
        unsafe { self.word.get().write_volatile(0) };
    }
}

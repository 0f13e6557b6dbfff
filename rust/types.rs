// SPDX-License-Identifier: GPL-2.0

//! Types for other abstractions.

use core::{
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    },
};

/// A value that must not just be forgotten: a lock that is held, or a wake-up that is owed.
///
/// # Examples
///
/// ```
/// use kernel_ext::types::Discharge;
///
/// /// The lock of a flag.
/// struct Held<'a>(&'a core::cell::Cell<bool>);
///
/// impl Discharge for Held<'_> {
///     fn discharge(self) {
///         self.0.set(false);
///     }
/// }
/// ```
pub trait Discharge {
    /// Unlocks, wakes or releases what the value stands for.
    fn discharge(self);
}

/// A value with a duty: [`Discharge::discharge`] runs when this is dropped, unless
/// [`Duty::take_over`] takes the value, and the duty with it, out before.
///
/// Rust does not let a method move the fields out of a type that implements [`Drop`]. A type that
/// wraps a duty in place of that has methods that consume `self` and pass on what it holds.
///
/// # Examples
///
/// ```
/// use core::cell::Cell;
/// use kernel_ext::types::{Discharge, Duty};
///
/// struct Wake<'a>(&'a Cell<u32>);
///
/// impl Discharge for Wake<'_> {
///     fn discharge(self) {
///         self.0.set(self.0.get() + 1);
///     }
/// }
///
/// let woken = Cell::new(0);
/// drop(Duty::new(Wake(&woken)));
/// assert_eq!(woken.get(), 1);
/// let wake = Duty::new(Wake(&woken)).take_over();
/// assert_eq!(woken.get(), 1);
/// # let _ = wake;
/// ```
///
/// # Invariants
///
/// The value is there until [`Duty::take_over`] or [`Drop::drop`] takes it out.
#[must_use = "the duty is discharged immediately when this is unused"]
pub struct Duty<T: Discharge>(ManuallyDrop<T>);

impl<T: Discharge> Duty<T> {
    /// Takes on the duty.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self(ManuallyDrop::new(value))
    }

    /// Hands the value to the caller, whose duty it becomes.
    #[inline]
    pub fn take_over(self) -> T {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: By the type invariants the value is there. `this` is neither used again nor
        // dropped.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }
}

impl<T: Discharge> Deref for Duty<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Discharge> DerefMut for Duty<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Discharge> Drop for Duty<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariants the value is there. `self` is being dropped, so the value
        // is not used again.
        unsafe { ManuallyDrop::take(&mut self.0) }.discharge();
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Types for other abstractions.

use core::{
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    },
};

/// What has to be done about a value in the end.
pub trait Discharge {
    /// Does it.
    fn discharge(self);
}

/// A value with a duty: [`Discharge::discharge`] runs when this is dropped, unless
/// [`Duty::take_over`] takes the value, and the duty with it, out before.
///
/// A type that implements [`Drop`] cannot be taken apart. One that wraps a duty can, so that its
/// methods that consume `self` pass on what it holds.
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
        // SAFETY: `this` is neither used again nor dropped.
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
        // SAFETY: `self` is being dropped, so the value is not used again.
        unsafe { ManuallyDrop::take(&mut self.0) }.discharge();
    }
}

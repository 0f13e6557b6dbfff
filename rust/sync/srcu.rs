// SPDX-License-Identifier: GPL-2.0

//! Sleepable read-copy-update.
//!
//! C header: [`include/linux/srcu.h`](srctree/include/linux/srcu.h)

use crate::bindings;
use core::{
    marker::PhantomData,
    mem::ManuallyDrop, //
};
use kernel::{
    ffi::c_int,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// An SRCU domain: readers enter and leave it, [`Srcu::synchronize`] waits for those inside.
///
/// # Invariants
///
/// Is an initialised `struct srcu_struct`.
#[repr(transparent)]
pub struct Srcu(Opaque<bindings::srcu_struct>);

// SAFETY: C synchronises all accesses.
unsafe impl Send for Srcu {}
// SAFETY: C synchronises all accesses.
unsafe impl Sync for Srcu {}

impl Srcu {
    /// The domain at `ptr`, which `DEFINE_SRCU()` in C makes.
    ///
    /// # Safety
    ///
    /// `ptr` must be an initialised `struct srcu_struct` that lives for `'a`.
    #[inline]
    pub const unsafe fn from_raw<'a>(ptr: *mut bindings::srcu_struct) -> &'a Self {
        // CAST: `Srcu` is transparent to the C structure.
        // SAFETY: The caller ensures that the pointer is valid for `'a`.
        unsafe { &*ptr.cast() }
    }

    #[inline]
    fn as_raw(&self) -> *mut bindings::srcu_struct {
        self.0.get()
    }

    /// Enters the domain. May be nested; the reader may sleep.
    #[inline]
    pub fn read_lock(&self) -> ReadGuard<'_> {
        // What `srcu_read_lock()` does beyond this is for lockdep.
        #[cfg(not(any(CONFIG_DEBUG_LOCK_ALLOC, CONFIG_PROVE_RCU)))]
        // SAFETY: `self` is valid by the type invariant.
        let index = unsafe { bindings::__srcu_read_lock(self.as_raw()) };
        #[cfg(any(CONFIG_DEBUG_LOCK_ALLOC, CONFIG_PROVE_RCU))]
        // SAFETY: `self` is valid by the type invariant.
        let index = unsafe { bindings::srcu_read_lock(self.as_raw()) };

        ReadGuard {
            srcu: self,
            index,
            _not_send: NotThreadSafe,
        }
    }

    /// Leaves the domain that `read_lock()` entered, for a caller that kept only the index.
    ///
    /// # Safety
    ///
    /// `index` must come from [`ReadGuard::into_index`] of a guard of this domain and task, and
    /// must not be used again.
    #[inline]
    pub unsafe fn read_unlock(&self, index: c_int) {
        #[cfg(not(any(CONFIG_DEBUG_LOCK_ALLOC, CONFIG_PROVE_RCU)))]
        // SAFETY: `self` is valid by the type invariant, `index` as the caller promises.
        unsafe {
            bindings::__srcu_read_unlock(self.as_raw(), index)
        };
        #[cfg(any(CONFIG_DEBUG_LOCK_ALLOC, CONFIG_PROVE_RCU))]
        // SAFETY: `self` is valid by the type invariant, `index` as the caller promises.
        unsafe {
            bindings::srcu_read_unlock(self.as_raw(), index)
        };
    }

    /// Waits until every reader that is inside now has left. Sleeps.
    ///
    /// A reader of the same domain that calls this waits for itself.
    #[inline]
    pub fn synchronize(&self) {
        // SAFETY: `self` is valid by the type invariant.
        unsafe { bindings::synchronize_srcu(self.as_raw()) };
    }

    /// Warns, with lockdep, if the current task is not inside the domain.
    #[inline]
    pub fn assert_read_held(&self) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: `self` is valid by the type invariant.
        unsafe {
            bindings::srcu_assert_held(self.as_raw())
        };
    }

    /// Adopts the read lock that the caller, in C, holds.
    ///
    /// # Safety
    ///
    /// The current task must be inside the domain for the lifetime `'a`.
    #[inline]
    pub unsafe fn assume_read<'a>(&'a self) -> Reading<'a> {
        self.assert_read_held();
        Reading(PhantomData)
    }
}

/// A reader is inside the domain, and leaves it when this is dropped.
#[must_use = "the reader leaves immediately when the guard is unused"]
pub struct ReadGuard<'a> {
    srcu: &'a Srcu,
    index: c_int,
    _not_send: NotThreadSafe,
}

impl ReadGuard<'_> {
    /// The evidence that the current task is inside.
    #[inline]
    pub fn reading(&self) -> Reading<'_> {
        Reading(PhantomData)
    }

    /// Stays inside and returns what [`Srcu::read_unlock`] needs to leave.
    #[inline]
    pub fn into_index(self) -> c_int {
        ManuallyDrop::new(self).index
    }
}

impl Drop for ReadGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The guard entered with this index, on this task, because it is not `Send`.
        unsafe { self.srcu.read_unlock(self.index) };
    }
}

/// Evidence that the current task is inside an SRCU domain for the lifetime `'a`.
#[derive(Clone, Copy)]
pub struct Reading<'a>(PhantomData<(&'a Srcu, NotThreadSafe)>);

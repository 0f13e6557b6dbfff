// SPDX-License-Identifier: GPL-2.0

//! Sleepable read-copy-update.
//!
//! Each SRCU domain that C defines statically (`DEFINE_SRCU()`) is a type here ([`Domain`]). Guards
//! and evidence name that type, so that a reader of one domain proves nothing about another.
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

/// An SRCU domain: readers enter and leave it, [`Srcu::synchronize`] waits for the readers inside.
///
/// # Invariants
///
/// The object is an initialised `struct srcu_struct`.
///
/// # Examples
///
/// ```
/// use kernel_ext::sync::srcu::Srcu;
///
/// fn retire(srcu: &Srcu, unpublish: impl FnOnce()) {
///     unpublish();
///     // No reader that has seen the object is left afterwards.
///     srcu.synchronize();
/// }
/// ```
#[repr(transparent)]
pub struct Srcu(Opaque<bindings::srcu_struct>);

// SAFETY: Every function of C that takes a `struct srcu_struct` may be called from any thread.
unsafe impl Send for Srcu {}
// SAFETY: C synchronises concurrent calls on one `struct srcu_struct`.
unsafe impl Sync for Srcu {}

impl Srcu {
    /// The domain at `ptr`.
    ///
    /// # Safety
    ///
    /// `ptr` must point to an initialised `struct srcu_struct` that lives for `'a`.
    #[inline]
    pub const unsafe fn from_raw<'a>(ptr: *mut bindings::srcu_struct) -> &'a Self {
        // CAST: `Srcu` is transparent to the C structure.
        // INVARIANT: The caller ensures that the structure is initialised.
        // SAFETY:
        // - The caller ensures that the structure lives for `'a`.
        // - C changes it through an `UnsafeCell` (`Opaque`), which a shared reference allows.
        unsafe { &*ptr.cast() }
    }

    #[inline]
    fn as_raw(&self) -> *mut bindings::srcu_struct {
        self.0.get()
    }

    /// Waits until every reader that is inside now has left. Sleeps.
    ///
    /// A reader of the same domain that calls this waits for itself.
    #[inline]
    pub fn synchronize(&self) {
        // SAFETY: The domain is initialised by the type invariant.
        unsafe { bindings::synchronize_srcu(self.as_raw()) };
    }

    /// Warns, with lockdep, if the current task is not inside the domain.
    #[inline]
    pub fn assert_read_held(&self) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The domain is initialised by the type invariant.
        unsafe {
            bindings::srcu_assert_held(self.as_raw())
        };
    }
}

/// A type that names a static SRCU domain.
///
/// # Safety
///
/// [`Domain::srcu`] must return the same object each time.
///
/// # Examples
///
/// ```
/// use kernel_ext::sync::srcu::{self, Domain, Reading};
///
/// /// Looks at objects that the domain `D` protects.
/// fn look<D: Domain>(_: Reading<'_, D>) {}
///
/// fn visit<D: Domain>() {
///     let guard = srcu::read_lock::<D>();
///     look(guard.reading());
/// }
/// ```
pub unsafe trait Domain: 'static {
    /// The domain.
    fn srcu() -> &'static Srcu;
}

/// Enters the domain `D`. May be nested; the reader may sleep.
#[inline]
pub fn read_lock<D: Domain>() -> SrcuReadGuard<D> {
    let srcu = D::srcu().as_raw();
    // `srcu_read_lock()` is an inline function of C around `__srcu_read_lock()`, and without lockdep
    // does nothing else; its counterpart also checks the index, which a guard has right. From Rust
    // both are helpers, which call the inner functions. Calling these directly saves 5 instructions
    // here and 7 in `read_unlock`, on each read, write and fault.
    #[cfg(not(any(CONFIG_DEBUG_LOCK_ALLOC, CONFIG_PROVE_RCU)))]
    // SAFETY: The domain is initialised by the type invariant of `Srcu`.
    let index = unsafe { bindings::__srcu_read_lock(srcu) };
    #[cfg(any(CONFIG_DEBUG_LOCK_ALLOC, CONFIG_PROVE_RCU))]
    // SAFETY: The domain is initialised by the type invariant of `Srcu`.
    let index = unsafe { bindings::srcu_read_lock(srcu) };

    // INVARIANT: This task has just entered with `index`.
    SrcuReadGuard {
        index,
        _domain: PhantomData,
        _not_send: NotThreadSafe,
    }
}

/// Leaves the domain `D`, for a caller that has kept only the index of a guard.
///
/// # Safety
///
/// - `index` must come from [`SrcuReadGuard::into_index`] of a guard for `D` that the current task
///   made.
/// - It must not have been passed to this function before.
#[inline]
pub unsafe fn read_unlock<D: Domain>(index: c_int) {
    let srcu = D::srcu().as_raw();
    #[cfg(not(any(CONFIG_DEBUG_LOCK_ALLOC, CONFIG_PROVE_RCU)))]
    // SAFETY:
    // - The domain is initialised by the type invariant of `Srcu`.
    // - The caller ensures that this task entered it with `index` and has not left since.
    unsafe {
        bindings::__srcu_read_unlock(srcu, index)
    };
    #[cfg(any(CONFIG_DEBUG_LOCK_ALLOC, CONFIG_PROVE_RCU))]
    // SAFETY:
    // - The domain is initialised by the type invariant of `Srcu`.
    // - The caller ensures that this task entered it with `index` and has not left since.
    unsafe {
        bindings::srcu_read_unlock(srcu, index)
    };
}

/// Adopts the read lock of `D` that the caller, in C, holds.
///
/// # Safety
///
/// The current task must be inside the domain for the lifetime `'a`.
#[inline]
pub unsafe fn assume_read<'a, D: Domain>() -> Reading<'a, D> {
    D::srcu().assert_read_held();
    // SAFETY: The caller ensures that the task is inside for `'a`.
    unsafe { Reading::new() }
}

/// The current task is inside the domain `D`, and leaves it when the guard is dropped.
///
/// # Invariants
///
/// The task that made the guard entered the domain with `index` and has not left since.
///
/// # Examples
///
/// ```
/// use kernel_ext::sync::srcu::{self, Domain, SrcuReadGuard};
///
/// fn enter_twice<D: Domain>() -> (SrcuReadGuard<D>, SrcuReadGuard<D>) {
///     (srcu::read_lock(), srcu::read_lock())
/// }
/// ```
#[must_use = "the reader leaves immediately when the guard is unused"]
pub struct SrcuReadGuard<D: Domain> {
    index: c_int,
    _domain: PhantomData<fn() -> D>,
    _not_send: NotThreadSafe,
}

impl<D: Domain> SrcuReadGuard<D> {
    /// The evidence that the current task is inside.
    #[inline]
    pub fn reading(&self) -> Reading<'_, D> {
        // SAFETY: By the invariant of the guard the task is inside until the guard is dropped, which
        // the borrow of `self` excludes during the lifetime of the result.
        unsafe { Reading::new() }
    }

    /// Stays inside and returns the index that [`read_unlock`] needs to leave.
    #[inline]
    pub fn into_index(self) -> c_int {
        ManuallyDrop::new(self).index
    }
}

impl<D: Domain> Drop for SrcuReadGuard<D> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY:
        // - By the type invariant the task entered with this index; it is the current one, because
        //   the guard is not `Send`.
        // - The guard is gone afterwards, and `into_index` does not drop it.
        unsafe { read_unlock::<D>(self.index) };
    }
}

/// Evidence that the current task is inside the SRCU domain `D` for the lifetime `'a`.
///
/// Only [`SrcuReadGuard::reading`] and the unsafe [`assume_read`] make one.
///
/// # Invariants
///
/// The task that has the value is inside `D` for `'a`.
///
/// # Examples
///
/// ```
/// use kernel_ext::sync::srcu::{Domain, Reading};
///
/// /// An object that may only be looked at inside the domain `D`.
/// struct Protected<T>(T);
///
/// impl<T> Protected<T> {
///     fn get<'a, D: Domain>(&'a self, _: Reading<'a, D>) -> &'a T {
///         &self.0
///     }
/// }
/// ```
pub struct Reading<'a, D> {
    _lifetime: PhantomData<&'a ()>,
    _domain: PhantomData<fn() -> D>,
    _not_send: NotThreadSafe,
}

impl<D> Reading<'_, D> {
    /// # Safety
    ///
    /// The current task must be inside `D` for the lifetime of the result.
    #[inline]
    unsafe fn new() -> Self {
        // INVARIANT: The caller ensures what the invariants say, as `# Safety` asks.
        Self {
            _lifetime: PhantomData,
            _domain: PhantomData,
            _not_send: NotThreadSafe,
        }
    }
}

impl<D> Clone for Reading<'_, D> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for Reading<'_, D> {}

// SPDX-License-Identifier: GPL-2.0

//! Iterators that the core passes on to a driver or to a routine of C.
//!
//! Unlike those of `kernel::iov`, they are made without a look into the structure, which would cost
//! each read and write a load and a branch: the core itself does not use them.

use core::marker::PhantomData;
use kernel_ext::bindings;

/// An iterator over memory from which bytes are copied.
///
/// # Invariants
///
/// The pointer is that of a valid `ITER_SOURCE` iterator, which only the owner of this object uses
/// during `'a`.
pub(crate) struct Source<'a>(*mut bindings::iov_iter, PhantomData<&'a mut ()>);

impl Source<'_> {
    /// # Safety
    ///
    /// `raw` must be a valid `ITER_SOURCE` iterator that no other code uses during the lifetime of the
    /// result.
    #[inline]
    pub(crate) unsafe fn new(raw: *mut bindings::iov_iter) -> Self {
        // INVARIANT: The caller ensures what the invariants say, as `# Safety` asks.
        Self(raw, PhantomData)
    }

    /// The iterator for C.
    #[inline]
    pub(super) fn into_raw(self) -> *mut bindings::iov_iter {
        self.0
    }
}

/// An iterator over memory to which bytes are copied.
///
/// # Invariants
///
/// The pointer is that of a valid `ITER_DEST` iterator, which only the owner of this object uses
/// during `'a`.
pub(crate) struct Dest<'a>(*mut bindings::iov_iter, PhantomData<&'a mut ()>);

impl Dest<'_> {
    /// # Safety
    ///
    /// `raw` must be a valid `ITER_DEST` iterator that no other code uses during the lifetime of the
    /// result.
    #[inline]
    pub(crate) unsafe fn new(raw: *mut bindings::iov_iter) -> Self {
        // INVARIANT: The caller ensures what the invariants say, as `# Safety` asks.
        Self(raw, PhantomData)
    }

    /// The iterator for C.
    #[inline]
    pub(super) fn into_raw(self) -> *mut bindings::iov_iter {
        self.0
    }
}

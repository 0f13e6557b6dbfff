// SPDX-License-Identifier: GPL-2.0

//! The objects of a pseudo filesystem: an inode with a value behind it.

use crate::sys::cdev::DevT;
use core::{
    mem::offset_of,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque,
};
use kernel_ext::bindings;

/// An object of type `T` and the inode that carries it.
///
/// # Invariants
///
/// `inode` is an initialised inode of a pseudo filesystem whose inodes carry values of type `T`.
#[repr(C)]
pub(crate) struct Object<T> {
    pub(super) inode: Opaque<bindings::inode>,
    pub(super) value: T,
}

// SAFETY: An inode may be used in any thread, and so may the value.
unsafe impl<T: Send> Send for Object<T> {}
// SAFETY: C synchronises accesses to the inode, and the value is `Sync`.
unsafe impl<T: Sync> Sync for Object<T> {}

impl<T> Object<T> {
    /// Where the value stands in an object, in bytes.
    pub(crate) const VALUE_OFFSET: usize = offset_of!(Self, value);

    /// The inode for C.
    #[inline]
    pub(crate) fn inode(&self) -> *mut bindings::inode {
        self.inode.get()
    }

    /// The object that `inode` is part of, if it is an inode of such a filesystem.
    #[inline]
    pub(super) fn from_inode(inode: *mut bindings::inode) -> *mut Self {
        // CAST: The inode is the first member.
        inode.cast()
    }

    /// The device number.
    pub(crate) fn devt(&self) -> DevT {
        // SAFETY:
        // - The inode is initialised by the type invariant.
        // - `i_rdev` changes only before the first reference to the object is given out.
        DevT::from_raw(unsafe { (*self.inode()).i_rdev })
    }

    /// Takes a reference, or `None` if the last one has gone and the object is being destroyed.
    pub(crate) fn try_get(&self) -> Option<ARef<Self>> {
        // SAFETY: The inode is initialised by the type invariant, and lives as long as `self`.
        if unsafe { bindings::igrab(self.inode()) }.is_null() {
            return None;
        }
        // SAFETY: `igrab` took the reference that the `ARef` gives back.
        Some(unsafe { ARef::from_raw(self.into()) })
    }
}

impl<T> Deref for Object<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

// SAFETY:
// - `ihold` and `iput` change the reference count of the inode atomically.
// - The object is destroyed only after the count has become 0.
unsafe impl<T> AlwaysRefCounted for Object<T> {
    fn inc_ref(&self) {
        // SAFETY:
        // - The inode is initialised by the type invariant.
        // - Its count is not 0: the caller holds a reference (`ARef`), or borrows from one.
        unsafe { bindings::ihold(self.inode()) };
    }

    unsafe fn dec_ref(object: NonNull<Self>) {
        // CAST: The inode is the first member.
        // SAFETY:
        // - The inode is initialised by the type invariant.
        // - The caller owns a reference and gives it up.
        unsafe { bindings::iput(object.cast().as_ptr()) };
    }
}

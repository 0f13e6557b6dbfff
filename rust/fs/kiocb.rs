// SPDX-License-Identifier: GPL-2.0

//! One read or write of a file.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::inode::Inode;
use crate::bindings;
use core::marker::PhantomData;
use kernel::types::{
    NotThreadSafe,
    Opaque, //
};

/// A read or write of a file, and where it goes on (`struct kiocb`).
///
/// # Invariants
///
/// The structure is initialised for an open file, and nobody else uses it.
#[repr(transparent)]
pub struct Kiocb(Opaque<bindings::kiocb>, PhantomData<NotThreadSafe>);

impl Kiocb {
    /// The request at `ptr`.
    ///
    /// # Safety
    ///
    /// `ptr` must be initialised for an open file, live for `'a`, and be used by nobody else.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::kiocb) -> &'a mut Self {
        // CAST: `Kiocb` is transparent to the C structure.
        // SAFETY: The caller ensures that the pointer is valid for `'a`, and that it is unique.
        unsafe { &mut *ptr.cast() }
    }

    #[inline]
    fn as_raw(&self) -> *mut bindings::kiocb {
        self.0.get()
    }

    /// The inode that has the data of the file.
    #[inline]
    pub fn inode(&self) -> &Inode {
        // SAFETY: By the type invariants the file is open: it has a mapping, and that an inode.
        unsafe { Inode::from_raw((*(*(*self.as_raw()).ki_filp).f_mapping).host) }
    }

    /// The position in the file, in bytes.
    #[inline]
    pub fn pos(&self) -> u64 {
        // SAFETY: The structure is valid by the type invariants.
        unsafe { (*self.as_raw()).ki_pos as u64 }
    }

    /// Moves on to the byte `pos`.
    #[inline]
    pub fn set_pos(&mut self, pos: u64) {
        // SAFETY: The structure is valid by the type invariants, and ours alone.
        unsafe { (*self.as_raw()).ki_pos = pos as i64 };
    }

    #[inline]
    fn has(&self, flag: i32) -> bool {
        // SAFETY: The structure is valid by the type invariants.
        unsafe { (*self.as_raw()).ki_flags & flag != 0 }
    }

    /// Whether the request is to fail with `EAGAIN` rather than to sleep (`IOCB_NOWAIT`).
    #[inline]
    pub fn is_nowait(&self) -> bool {
        self.has(bindings::IOCB_NOWAIT)
    }

    /// Whether a power loss must not tear the write (`IOCB_ATOMIC`).
    #[inline]
    pub fn is_atomic(&self) -> bool {
        self.has(bindings::IOCB_ATOMIC)
    }
}

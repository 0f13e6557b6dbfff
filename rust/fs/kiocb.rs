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

/// A read or write of a file, and the position from which it continues (`struct kiocb`).
///
/// # Examples
///
/// ```
/// use kernel_ext::fs::kiocb::Kiocb;
///
/// /// Moves to the end of the file, and returns by how many bytes.
/// fn seek_to_end(iocb: &mut Kiocb) -> u64 {
///     let (start, end) = (iocb.pos(), iocb.inode().size() as u64);
///     iocb.set_pos(end);
///     end.saturating_sub(start)
/// }
/// # let _ = seek_to_end;
/// ```
///
/// # Invariants
///
/// - The structure is initialised, and has an open file.
/// - Only the owner of the reference uses it.
#[repr(transparent)]
pub struct Kiocb(Opaque<bindings::kiocb>, PhantomData<NotThreadSafe>);

impl Kiocb {
    /// The request at `ptr`.
    ///
    /// # Safety
    ///
    /// For the duration of `'a`
    ///
    /// - `ptr` must be an initialised request that has an open file;
    /// - the request must be used only through the reference that this returns.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::kiocb) -> &'a mut Self {
        // CAST: `Kiocb` is transparent to the C structure.
        // INVARIANT: The caller ensures that the request has an open file, and that it is ours.
        // SAFETY: The caller ensures that the pointer is valid for `'a`, and not used otherwise.
        unsafe { &mut *ptr.cast() }
    }

    #[inline]
    fn as_raw(&self) -> *mut bindings::kiocb {
        self.0.get()
    }

    /// The inode that has the data of the file.
    #[inline]
    pub fn inode(&self) -> &Inode {
        // SAFETY: By the type invariants the request has an open file, which keeps its address
        // space and the inode of that.
        unsafe { Inode::from_raw((*(*(*self.as_raw()).ki_filp).f_mapping).host) }
    }

    /// The position in the file, in bytes.
    #[inline]
    pub fn pos(&self) -> u64 {
        // SAFETY: By the type invariants the structure is initialised, and nothing writes to it
        // while `self` is borrowed.
        unsafe { (*self.as_raw()).ki_pos as u64 }
    }

    /// Continues from the byte `pos`.
    #[inline]
    pub fn set_pos(&mut self, pos: u64) {
        // CAST: Positions that no file has become negative, and the next read or write refuses
        // these.
        // SAFETY: By the type invariants the structure is initialised, and `self` is ours alone.
        unsafe { (*self.as_raw()).ki_pos = pos as i64 };
    }

    #[inline]
    fn has(&self, flag: i32) -> bool {
        // SAFETY: By the type invariants the structure is initialised, and nothing writes to it
        // while `self` is borrowed.
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

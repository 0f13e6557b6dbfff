// SPDX-License-Identifier: GPL-2.0

//! Persistent memory: copies around the CPU cache and writing the cache back (x86).
//!
//! [`MappedRange`] is a mapped range of persistent memory. User space maps the same memory, so there
//! are no references to it: it is copied to, copied from, zeroed and flushed, and nothing else.
//!
//! # Durability
//!
//! Data is durable once it has left the CPU cache and a fence has followed. The functions here
//! take care of the first, without a fence of their own, as in C (`memcpy_flushcache()`,
//! `arch_wb_cache_pmem()`); the second is in `nvdimm_flush()`, one for any number of copies. The
//! exception is [`MappedRange::copy_from_iter`].
//!
//! All of it may be called in any context, with the exception of copies from and to user space,
//! which sleep to take page faults.
//!
//! C headers: [`include/linux/libnvdimm.h`](srctree/include/linux/libnvdimm.h),
//! [`include/linux/uio.h`](srctree/include/linux/uio.h),
//! [`include/linux/uaccess.h`](srctree/include/linux/uaccess.h)

use core::{marker::PhantomData, ptr::NonNull};

use kernel::prelude::*;

mod asm;
mod copy;
mod iter;
pub mod split;
mod user;

/// A range of persistent memory that the kernel has mapped.
///
/// # Invariants
///
/// For the duration of `'a`, the `len` bytes at `base` are mapped for reading and writing, but for
/// pages that the kernel unmaps because of a memory error. Others may access them at any time.
#[derive(Clone, Copy)]
pub struct MappedRange<'a> {
    base: NonNull<u8>,
    len: usize,
    _mapping: PhantomData<&'a ()>,
}

// SAFETY: The memory is mapped for all of the kernel, and no access through a window assumes that
// there is no other.
unsafe impl Send for MappedRange<'_> {}

// SAFETY: As for `Send`.
unsafe impl Sync for MappedRange<'_> {}

impl<'a> MappedRange<'a> {
    /// Makes a window of the `len` bytes at `base`.
    ///
    /// # Safety
    ///
    /// For the duration of `'a`, the range must be mapped for reading and writing, but for pages
    /// that the kernel unmaps because of a memory error, and must not be memory that Rust code
    /// refers to.
    #[inline]
    pub const unsafe fn from_raw(base: NonNull<u8>, len: usize) -> Self {
        // INVARIANT: The caller ensures what the invariants say.
        Self {
            base,
            len,
            _mapping: PhantomData,
        }
    }

    /// The address of the first byte.
    #[inline]
    pub const fn as_ptr(self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The length in bytes.
    #[inline]
    pub const fn len(self) -> usize {
        self.len
    }

    /// Whether the window has no bytes.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The `len` bytes that start `offset` bytes into the window, or [`None`] if they are not all
    /// inside it.
    #[inline]
    pub fn get(self, offset: usize, len: usize) -> Option<Self> {
        if offset > self.len || len > self.len - offset {
            return None;
        }
        // INVARIANT: This is a part of the range of `self`.
        Some(Self {
            // SAFETY: The offset is inside the range, or one past its end.
            base: unsafe { self.base.add(offset) },
            len,
            ..self
        })
    }

    /// Writes back every cache line that holds bytes of the window; see the module on fences.
    ///
    /// The counterpart of `arch_wb_cache_pmem()`.
    #[inline]
    pub fn flush(self) {
        let (addr, len) = (self.as_ptr(), self.len);
        // SAFETY: The range is mapped by the type invariants, and where it has to be of whole blocks
        // it is.
        unsafe {
            if len != 0 && (addr as usize | len) % copy::BLOCK_SIZE == 0 {
                copy::write_back_blocks(addr, len)
            } else {
                copy::write_back(addr, len)
            }
        };
    }

    /// Fills the window from kernel memory, around the cache.
    ///
    /// The counterpart of `memcpy_flushcache()`. A store to a page that the kernel has unmapped
    /// because of a memory error is fatal, as in C: clear the error first.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the slice does not have the length of the window; nothing is copied then.
    #[inline]
    pub fn copy_from(self, src: &[u8]) -> Result {
        if src.len() != self.len {
            return Err(EINVAL);
        }
        // SAFETY: The slice is valid for its length, which is that of the window.
        unsafe { self.copy_from_ptr(src.as_ptr()) };
        Ok(())
    }

    /// Fills the window from kernel memory that others may be changing, around the cache; as
    /// [`MappedRange::copy_from`] otherwise.
    ///
    /// # Safety
    ///
    /// `src` must be valid for reads of [`MappedRange::len`] bytes, but for data races, and must not
    /// overlap the window.
    #[inline]
    pub unsafe fn copy_from_ptr(self, src: *const u8) {
        check::read(src, self.len);
        check::write(self.as_ptr(), self.len);
        // SAFETY: The caller vouches for the source, the type invariants for the destination.
        unsafe { copy::from_kernel(self.as_ptr(), src, self.len) };
    }

    /// Fills the window with zeros, around the cache; as [`MappedRange::copy_from`] otherwise.
    #[inline]
    pub fn zero(self) {
        check::write(self.as_ptr(), self.len);
        // SAFETY: By the type invariants.
        unsafe { copy::zero(self.as_ptr(), self.len) };
    }
}

/// What the compiler's instrumentation does for C code, and cannot do for assembly.
mod check {
    #[cfg(CONFIG_KASAN)]
    use crate::bindings;

    /// Reports a read of freed or foreign memory, with KASAN.
    #[inline(always)]
    pub(super) fn read(addr: *const u8, len: usize) {
        #[cfg(CONFIG_KASAN)]
        // SAFETY: The function takes any range.
        let _ = unsafe { bindings::__kasan_check_read(addr.cast(), len as _) };
        let _ = (addr, len);
    }

    /// Reports a write to freed or foreign memory, with KASAN.
    #[inline(always)]
    pub(super) fn write(addr: *const u8, len: usize) {
        #[cfg(CONFIG_KASAN)]
        // SAFETY: The function takes any range.
        let _ = unsafe { bindings::__kasan_check_write(addr.cast(), len as _) };
        let _ = (addr, len);
    }
}

// SPDX-License-Identifier: GPL-2.0

//! A mapped range of persistent memory.

use super::{
    check,
    copy, //
};
use crate::bindings;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// A range of persistent memory that the kernel has mapped.
///
/// # Invariants
///
/// - For the lifetime `'a`, the `len` bytes at `base` are mapped for reading and writing, but for
///   pages that the kernel unmaps because of a memory error. Other tasks may access them at any
///   time.
/// - No reference or slice of Rust leads to them.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::pmem::MappedRange;
///
/// fn clear_header(memory: MappedRange<'_>) -> Result {
///     let (header, _) = memory.split_at(4096).ok_or(EINVAL)?;
///     header.zero();
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct MappedRange<'a> {
    base: NonNull<u8>,
    len: usize,
    _mapping: PhantomData<&'a ()>,
}

// SAFETY: The memory is mapped on all CPUs, and the routines that access it allow for other
// accesses at the same time.
unsafe impl Send for MappedRange<'_> {}

// SAFETY: The memory is mapped on all CPUs, and the routines that access it allow for other
// accesses at the same time.
unsafe impl Sync for MappedRange<'_> {}

impl<'a> MappedRange<'a> {
    /// The `len` bytes at `base`.
    ///
    /// # Safety
    ///
    /// For the lifetime `'a`:
    ///
    /// - The range must be mapped for reading and writing, but for pages that the kernel unmaps
    ///   because of a memory error.
    /// - No reference or slice of Rust may lead to it.
    #[inline]
    pub const unsafe fn from_raw(base: NonNull<u8>, len: usize) -> Self {
        // INVARIANT: The caller ensures both.
        Self {
            base,
            len,
            _mapping: PhantomData,
        }
    }

    /// The address of the first byte, which is never NULL.
    #[inline]
    pub(crate) const fn base(self) -> NonNull<u8> {
        self.base
    }

    /// The address of the first byte.
    #[inline]
    pub const fn as_ptr(self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The length in bytes.
    #[expect(clippy::len_without_is_empty)]
    #[inline]
    pub const fn len(self) -> usize {
        self.len
    }

    /// The first `at` bytes and the rest, or [`None`] if there is no rest.
    #[inline]
    pub const fn split_at(self, at: usize) -> Option<(Self, Self)> {
        if at >= self.len {
            return None;
        }
        // SAFETY: `at` is inside the range, as just checked, which is one of mapped memory.
        let rest = unsafe { self.base.add(at) };
        // INVARIANT: Both are parts of the range of `self`.
        Some((
            Self { len: at, ..self },
            Self {
                base: rest,
                len: self.len - at,
                ..self
            },
        ))
    }

    /// Writes back every cache line that holds bytes of the range (`arch_wb_cache_pmem()`); see the
    /// module on fences.
    #[inline]
    pub fn flush(self) {
        let (addr, len) = (self.as_ptr(), self.len);
        // SAFETY:
        // - By the type invariants the range is mapped for writing.
        // - `write_back_blocks` gets whole blocks, as checked.
        unsafe {
            if len != 0 && (addr as usize | len) % copy::BLOCK_SIZE == 0 {
                copy::write_back_blocks(addr, len)
            } else {
                copy::write_back(addr, len)
            }
        };
    }

    /// Writes back and drops every cache line that holds bytes of the range
    /// (`arch_invalidate_pmem()`), so that the next load comes from memory that has been repaired.
    pub fn invalidate(self) {
        // SAFETY: By the type invariants the range is mapped. The function writes dirty lines back
        // before it drops them.
        unsafe { bindings::arch_invalidate_pmem(self.as_ptr().cast(), self.len) };
    }

    /// Fills the range from kernel memory, around the cache (`memcpy_flushcache()`).
    ///
    /// A store to a page that the kernel has unmapped because of a memory error is fatal, as in C:
    /// clear the error first.
    ///
    /// # Safety
    ///
    /// - `src` must be valid for reads of [`MappedRange::len`] bytes, but for data races.
    /// - It must not overlap the range, unless the caller accepts any result in both.
    #[inline]
    pub unsafe fn copy_from_ptr(self, src: *const u8) {
        check::read(src, self.len);
        check::write(self.as_ptr(), self.len);
        // SAFETY:
        // - The caller ensures that the source is valid for reads of `len` bytes, and may overlap
        //   the destination only where it accepts any result.
        // - By the type invariants the destination is valid for writes of `len` bytes.
        unsafe { copy::from_kernel(self.as_ptr(), src, self.len) };
    }

    /// Fills the range with zeros, around the cache.
    ///
    /// As with [`MappedRange::copy_from_ptr`], clear a memory error first.
    #[inline]
    pub fn zero(self) {
        check::write(self.as_ptr(), self.len);
        // SAFETY: By the type invariants the range is valid for writes of `len` bytes.
        unsafe { copy::zero(self.as_ptr(), self.len) };
    }
}

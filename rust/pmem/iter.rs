// SPDX-License-Identifier: GPL-2.0

//! Copies from `struct iov_iter` to persistent memory.
//!
//! The kernel walks an iterator with inline functions of C, so the walk is instantiated in a
//! helper in C, which calls the step functions below by name: they are known at link time, and a
//! call through a pointer would cost more and would need a type for kCFI.
//!
//! C headers: [`include/linux/iov_iter.h`](srctree/include/linux/iov_iter.h),
//! [`include/linux/uio.h`](srctree/include/linux/uio.h)

use super::{
    check,
    copy,
    range::MappedRange,
    user, //
};
use crate::bindings;
use kernel::{
    ffi::c_void,
    iov::IovIterSource, //
};

impl MappedRange<'_> {
    /// Fills the range from `iter`, around the cache, and advances `iter`.
    ///
    /// Returns how many bytes were copied: less than the length of the range if `iter` has fewer or
    /// at the first byte that faults. All copied bytes are written back. If `iter` is user memory a
    /// fence has followed, so that they are also durable, as with `_copy_from_iter_flushcache()` in
    /// C; there it is one fence for each segment.
    ///
    /// User addresses must have been through `access_ok()`, as those of `write()` have; others
    /// fault. There is no check of `CONFIG_HARDENED_USERCOPY`, which is about objects in the slab:
    /// persistent memory has none.
    #[inline]
    pub fn copy_from_iter(self, iter: &mut IovIterSource<'_>) -> usize {
        // SAFETY:
        // - By its type invariants the range is valid for writes of its length.
        // - By its type invariants `iter` is a valid source, which the caller has lent mutably.
        unsafe { bindings::pmem_copy_from_iter(self.as_ptr().cast(), self.len(), iter.as_raw()) }
    }
}

/// Copies one segment of user memory, for `iterate_and_advance()`.
///
/// Returns how many of the `len` bytes at `from` could not be copied to `to + progress`.
///
/// # Safety
///
/// Only for `pmem_copy_from_iter()`: the `len` bytes at `to + progress` must be inside a
/// [`MappedRange`].
#[no_mangle]
unsafe extern "C" fn rust_ext_pmem_step_user(
    from: *mut c_void,
    progress: usize,
    len: usize,
    to: *mut c_void,
    _priv2: *mut c_void,
) -> usize {
    // SAFETY: The caller ensures that this is in a `MappedRange`, as is `to`.
    let dst = unsafe { to.cast::<u8>().add(progress) };
    check::write(dst, len);
    // SAFETY: The caller ensures that the destination is in a `MappedRange`, so it is valid for
    // writes, but for pages that the kernel has unmapped.
    unsafe { user::from_user(dst, from.cast(), len) }
}

/// Copies one segment of kernel memory, which is mapped, for `iterate_and_advance()`.
///
/// Returns how many bytes could not be copied: 0.
///
/// # Safety
///
/// Only for `pmem_copy_from_iter()`:
///
/// - The `len` bytes at `to + progress` must be inside a [`MappedRange`].
/// - Those at `from` must be valid for reads, but for data races, and not overlap them.
#[no_mangle]
unsafe extern "C" fn rust_ext_pmem_step_kernel(
    from: *mut c_void,
    progress: usize,
    len: usize,
    to: *mut c_void,
    _priv2: *mut c_void,
) -> usize {
    // SAFETY: The caller ensures that this is in a `MappedRange`, as is `to`.
    let dst = unsafe { to.cast::<u8>().add(progress) };
    check::read(from.cast(), len);
    check::write(dst, len);
    // SAFETY:
    // - The caller ensures that the destination is in a `MappedRange`, so it is valid for writes.
    // - The caller ensures that the source is valid for reads and does not overlap it.
    unsafe { copy::from_kernel(dst, from.cast(), len) };
    0
}

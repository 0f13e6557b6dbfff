// SPDX-License-Identifier: GPL-2.0

//! Functions for I/O vectors that `kernel::iov` lacks.
//!
//! C header: [`include/linux/uio.h`](srctree/include/linux/uio.h)

use crate::bindings;
use kernel::iov::IovIterDest;

/// Stores `len` zeros to the memory of `iter`, and advances it (`iov_iter_zero()`).
///
/// Returns how many zeros were stored: fewer than `len` if `iter` ends before, or if its memory
/// cannot be written.
///
/// # Examples
///
/// ```
/// use kernel::iov::IovIterDest;
///
/// fn read_hole(to: &mut IovIterDest<'_>) -> usize {
///     kernel_ext::iov::zero(to, to.len())
/// }
/// # let _ = read_hole;
/// ```
#[inline]
pub fn zero(iter: &mut IovIterDest<'_>, len: usize) -> usize {
    // SAFETY: By its type invariants `iter` is a valid destination, and it is ours while we borrow
    // it.
    unsafe { bindings::iov_iter_zero(len, iter.as_raw()) }
}

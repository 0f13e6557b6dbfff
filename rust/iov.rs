// SPDX-License-Identifier: GPL-2.0

//! What `kernel::iov` lacks.
//!
//! C header: [`include/linux/uio.h`](srctree/include/linux/uio.h)

use crate::bindings;
use kernel::iov::IovIterDest;

/// Hands `len` zeros to `iter`.
///
/// Returns how many were handed over: fewer if `iter` takes no more or memory cannot be written.
#[inline]
pub fn zero(iter: &mut IovIterDest<'_>, len: usize) -> usize {
    // SAFETY: `iter` is a valid destination by its type invariants.
    unsafe { bindings::iov_iter_zero(len, iter.as_raw()) }
}

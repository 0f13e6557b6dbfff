// SPDX-License-Identifier: GPL-2.0

//! The architecture's routines for memory of devices that do not bring their own.
//!
//! `fs/dax` has checked the ranges where user space handed them in, so these are the variants without
//! hardened checks.

use super::iter::{
    Dest,
    Source, //
};
use kernel_ext::{
    bindings,
    pmem::MappedRange, //
};

/// Copies to `dst` as to any other memory; returns the number of bytes copied.
#[inline]
pub(crate) fn from_iter(dst: MappedRange<'_>, iter: Source<'_>) -> usize {
    // SAFETY:
    // - The range is mapped by the type invariant of `MappedRange`.
    // - The iterator is a valid source that only we use, by its type invariant.
    unsafe { bindings::_copy_from_iter(dst.as_ptr().cast(), dst.len(), iter.into_raw()) }
}

/// Copies to `dst` around the CPU caches; returns the number of bytes copied.
#[inline]
pub(crate) fn from_iter_flushcache(dst: MappedRange<'_>, iter: Source<'_>) -> usize {
    // SAFETY:
    // - The range is mapped by the type invariant of `MappedRange`.
    // - The iterator is a valid source that only we use, by its type invariant.
    unsafe { bindings::_copy_from_iter_flushcache(dst.as_ptr().cast(), dst.len(), iter.into_raw()) }
}

/// Copies from `src` as from any other memory; returns the number of bytes copied.
#[inline]
pub(crate) fn to_iter(src: MappedRange<'_>, iter: Dest<'_>) -> usize {
    // SAFETY:
    // - The range is mapped by the type invariant of `MappedRange`.
    // - The iterator is a valid destination that only we use, by its type invariant.
    unsafe { bindings::_copy_to_iter(src.as_ptr().cast(), src.len(), iter.into_raw()) }
}

/// Copies from `src` up to the first machine check; returns the number of bytes copied.
#[inline]
pub(crate) fn mc_to_iter(src: MappedRange<'_>, iter: Dest<'_>) -> usize {
    // SAFETY:
    // - The range is mapped by the type invariant of `MappedRange`.
    // - The iterator is a valid destination that only we use, by its type invariant.
    unsafe { bindings::_copy_mc_to_iter(src.as_ptr().cast(), src.len(), iter.into_raw()) }
}

/// Writes back what the CPU caches hold of `range`.
#[inline]
pub(crate) fn write_back(range: MappedRange<'_>) {
    // SAFETY: The range is mapped by the type invariant of `MappedRange`.
    unsafe { bindings::arch_wb_cache_pmem(range.as_ptr().cast(), range.len()) };
}

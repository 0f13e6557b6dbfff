// SPDX-License-Identifier: GPL-2.0

//! Folios of memory that belongs to a DAX device and to files (`MEMORY_DEVICE_FS_DAX`).
//!
//! They come and go with the entries in the `i_pages` of files, not with an allocator. A frame that
//! no entry has is a folio of one page without references, an entry of many pages makes their
//! frames one folio, and the last entry of a folio takes it apart again.
//!
//! A folio knows the one entry that has it; or only how many have it, if files share blocks. Then
//! memory failure, which begins with the folio, asks the filesystem which files these are.

mod association;
mod idle;
mod owner;
mod shape;
mod usage;

pub(crate) use association::References;

use super::entry::Storage;
use core::ops::Deref;
use kernel_ext::{
    bindings,
    memremap::Frames,
    mm::folio::{
        Folio,
        Pinned, //
    },
    units::Pfn, //
};

/// A folio of a DAX device.
///
/// # Locking
///
/// To which entries a folio belongs is written under the i_pages lock of the file that has, or is
/// to have, such an entry, so that a task that looks at both finds that they agree. Files that
/// share memory have different i_pages locks, so there is also a lock for the users of folios
/// (`folio_users.c`), which is taken inside of the former.
///
/// # Invariants
///
/// The memory is of the type `MEMORY_DEVICE_FS_DAX`, and all of its `struct page`s are there as
/// long as the reference. No allocator frees it: it is idle when it has no references.
#[repr(transparent)]
pub(crate) struct DeviceFolio(Folio);

impl Deref for DeviceFolio {
    type Target = Folio;

    #[inline]
    fn deref(&self) -> &Folio {
        &self.0
    }
}

impl DeviceFolio {
    /// The folio that C calls `folio`.
    ///
    /// # Safety
    ///
    /// `folio` must be a folio, not just a page of one, of the type `MEMORY_DEVICE_FS_DAX`, whose
    /// `struct page`s stay for `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(folio: *mut bindings::folio) -> &'a Self {
        // CAST: `DeviceFolio` is transparent to `Folio`, and that to the C structure.
        // INVARIANT: The caller knows the type, and that the `struct page`s stay.
        // SAFETY: The caller ensures that `folio` is the first page of a folio, over whose `struct page`s
        // a `struct folio` lies, and that they stay for `'a`.
        unsafe { &*folio.cast() }
    }

    /// The folio which the frame is a part of.
    ///
    /// # Safety
    ///
    /// The frame must be memory of the type `MEMORY_DEVICE_FS_DAX` whose `struct page`s stay for
    /// `'a`.
    #[inline]
    unsafe fn of_frame<'a>(pfn: Pfn) -> &'a Self {
        // SAFETY: The frame has a `struct page`, as the caller ensures.
        let folio = unsafe { bindings::pfn_folio(pfn.number()) };
        // SAFETY:
        // - `pfn_folio()` returns the folio of a page, not a page of a folio.
        // - A folio has pages of one range of memory, so that the type of the frame is that of all.
        unsafe { Self::from_raw(folio) }
    }

    /// The folio that the frames are, or are a part of.
    #[inline]
    pub(crate) fn of(frames: Frames<'_>) -> &Self {
        // SAFETY: By the type invariants, the frames are memory of the type, and stay as long.
        unsafe { Self::of_frame(frames.first()) }
    }

    /// The folio that the storage is, or is a part of.
    #[inline]
    pub(crate) fn of_storage(storage: Storage<'_>) -> &Self {
        // SAFETY: By the type invariants, the storage is memory of the type, and stays as long.
        unsafe { Self::of_frame(storage.pfn()) }
    }

    /// Keeps the folio busy until the result is dropped.
    ///
    /// Other than with memory of an allocator this may be the first reference.
    #[inline]
    pub(crate) fn pin(&self) -> Pinned<'_> {
        // SAFETY: A folio of a DAX device may be without references: no allocator can have taken it
        // back.
        unsafe { self.0.pin() }
    }
}

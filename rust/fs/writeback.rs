// SPDX-License-Identifier: GPL-2.0

//! Writing back the dirty pages of a file.
//!
//! C headers: [`include/linux/writeback.h`](srctree/include/linux/writeback.h),
//! [`include/linux/pagemap.h`](srctree/include/linux/pagemap.h)

use super::mapping::AddressSpace;
use crate::{
    bindings,
    units::PageIndex, //
};
use kernel::{
    error::Error,
    types::Opaque, //
};

/// Which pages of a file the caller of writeback wants to be written, and why
/// (`struct writeback_control`).
///
/// # Examples
///
/// ```
/// use kernel_ext::fs::writeback::WritebackControl;
///
/// /// How many pages `fsync()` waits for.
/// fn pages_of_fsync(wbc: &WritebackControl) -> Option<usize> {
///     let (first, last) = wbc.pages();
///     wbc.is_for_integrity().then(|| last.plus(1).offset_from(first))
/// }
/// # let _ = pages_of_fsync;
/// ```
///
/// # Invariants
///
/// The structure is initialised, and nothing changes its range and its mode.
#[repr(transparent)]
pub struct WritebackControl(Opaque<bindings::writeback_control>);

impl WritebackControl {
    /// The request for writeback at `ptr`.
    ///
    /// # Safety
    ///
    /// For the duration of `'a`, `ptr` must be initialised, and nothing may change its range and
    /// its mode.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::writeback_control) -> &'a Self {
        // CAST: `WritebackControl` is transparent to the C structure.
        // INVARIANT: The caller ensures that the structure is initialised and what does not change.
        // SAFETY: The caller ensures that the pointer is valid for `'a`.
        unsafe { &*ptr.cast() }
    }

    #[inline]
    fn as_raw(&self) -> *mut bindings::writeback_control {
        self.0.get()
    }

    /// Whether the caller of writeback, for example `fsync()`, waits for the data to be durable
    /// (`WB_SYNC_ALL`).
    #[inline]
    pub fn is_for_integrity(&self) -> bool {
        // SAFETY: By the type invariants the structure is initialised, and the mode does not
        // change.
        unsafe { (*self.as_raw()).sync_mode == bindings::writeback_sync_modes_WB_SYNC_ALL }
    }

    /// The page that holds the first byte of the range, and the page that holds the last byte.
    #[inline]
    pub fn pages(&self) -> (PageIndex, PageIndex) {
        // SAFETY: By the type invariants the structure is initialised, and the range does not
        // change.
        let (start, end) = unsafe {
            let wbc = self.as_raw();
            ((*wbc).range_start, (*wbc).range_end)
        };
        // CAST: Offsets in a file are not negative.
        (
            PageIndex::containing(start as u64),
            PageIndex::containing(end as u64),
        )
    }
}

impl AddressSpace {
    /// Makes the next `fsync()` through each open file description report `error`
    /// (`mapping_set_error()`). Any context.
    #[cold]
    pub fn set_error(&self, error: Error) {
        // SAFETY: The address space is valid by the type invariants. The function changes its
        // fields atomically.
        unsafe { bindings::mapping_set_error(self.as_raw(), error.to_errno()) };
    }

    /// Whether the filesystem can write pages of the file back (`writepages()`). If it cannot,
    /// `fsync()` does not make dirty pages of the file durable either.
    #[inline]
    pub fn can_write_back(&self) -> bool {
        // SAFETY: The address space is valid by the type invariants. The table of its operations is
        // static: the module of the filesystem stays while there is an inode.
        unsafe { (*(*self.as_raw()).a_ops).writepages.is_some() }
    }
}

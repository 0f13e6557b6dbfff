// SPDX-License-Identifier: GPL-2.0

//! Writing back what is dirty in a file.
//!
//! C headers: [`include/linux/writeback.h`](srctree/include/linux/writeback.h),
//! [`include/linux/pagemap.h`](srctree/include/linux/pagemap.h)

use super::mapping::{
    AddressSpace,
    PageIndex, //
};
use crate::bindings;
use kernel::{
    error::Error,
    types::Opaque, //
};

/// What is to be written back, and why (`struct writeback_control`).
///
/// # Invariants
///
/// The structure is initialised.
#[repr(transparent)]
pub struct WritebackControl(Opaque<bindings::writeback_control>);

impl WritebackControl {
    /// The writeback that C describes by `ptr`.
    ///
    /// # Safety
    ///
    /// `ptr` must be an initialised description that is not changed for `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::writeback_control) -> &'a Self {
        // CAST: `WritebackControl` is transparent to the C structure.
        // SAFETY: The caller ensures that the pointer is valid for `'a`.
        unsafe { &*ptr.cast() }
    }

    #[inline]
    fn as_raw(&self) -> *mut bindings::writeback_control {
        self.0.get()
    }

    /// Whether somebody waits for the data to be durable (`WB_SYNC_ALL`).
    #[inline]
    pub fn is_for_integrity(&self) -> bool {
        // SAFETY: Valid by the type invariants.
        unsafe { (*self.as_raw()).sync_mode == bindings::writeback_sync_modes_WB_SYNC_ALL }
    }

    /// The page that holds the first byte, and the one that holds the last.
    #[inline]
    pub fn pages(&self) -> (PageIndex, PageIndex) {
        // SAFETY: Valid by the type invariants.
        let (start, end) = unsafe {
            let wbc = self.as_raw();
            ((*wbc).range_start, (*wbc).range_end)
        };
        let page = |offset: i64| PageIndex((offset >> crate::units::PAGE_SHIFT) as usize);
        (page(start), page(end))
    }
}

impl AddressSpace {
    /// Has `fsync()` of everybody who has the file open report `error` (`mapping_set_error()`).
    /// Any context.
    #[cold]
    pub fn set_error(&self, error: Error) {
        // SAFETY: The address space is valid by the type invariants.
        unsafe { bindings::mapping_set_error(self.as_raw(), error.to_errno()) };
    }

    /// Whether the filesystem has a way to write pages of the file back. What is dirty in a file
    /// for which it has none is not made durable by `fsync()` either.
    #[inline]
    pub fn can_write_back(&self) -> bool {
        // SAFETY: The address space is valid by the type invariants, and so are its operations.
        unsafe { (*(*self.as_raw()).a_ops).writepages.is_some() }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Positions in a DAX device and windows into its memory.

use crate::{
    bindings,
    units::Pfn, //
};
use core::ptr::NonNull;
use kernel::{
    page::PAGE_SHIFT,
    prelude::*, //
};

/// An offset from the start of a DAX device, in pages (`pgoff_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct PageOffset(usize);

impl PageOffset {
    /// The offset of the page number `pages`.
    #[inline]
    pub const fn new(pages: usize) -> Self {
        Self(pages)
    }

    /// The offset in pages.
    #[inline]
    pub const fn pages(self) -> usize {
        self.0
    }

    /// The offset in bytes, or `None` if no device can be that large.
    #[inline]
    pub const fn bytes(self) -> Option<u64> {
        let bytes = (self.0 as u64) << PAGE_SHIFT;
        if bytes >> PAGE_SHIFT == self.0 as u64 {
            Some(bytes)
        } else {
            None
        }
    }
}

/// What the caller of [`Operations::direct_access`](super::Operations::direct_access) is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// Ordinary reads and writes: a range with known poison is refused.
    Access,
    /// A write that goes through
    /// [`Operations::recovery_write`](super::Operations::recovery_write): a poisoned range is fine.
    RecoveryWrite,
}

impl AccessMode {
    /// The mode that C calls `mode`.
    #[inline]
    pub fn from_raw(mode: bindings::dax_access_mode) -> Self {
        if mode == bindings::dax_access_mode::DAX_RECOVERY_WRITE {
            Self::RecoveryWrite
        } else {
            Self::Access
        }
    }

    /// The name that C has for the mode.
    #[inline]
    pub fn as_raw(self) -> bindings::dax_access_mode {
        match self {
            Self::Access => bindings::dax_access_mode::DAX_ACCESS,
            Self::RecoveryWrite => bindings::dax_access_mode::DAX_RECOVERY_WRITE,
        }
    }
}

/// Pages of a DAX device that follow each other in memory, from the asked one on.
///
/// A device may answer with fewer pages than were asked for (at the border of a stripe, before a
/// bad block), so the length only comes together with the address.
#[must_use = "the window may be shorter than what was asked for"]
#[derive(Debug)]
pub struct Translation {
    kaddr: NonNull<u8>,
    pfn: Pfn,
    pages: usize,
}

impl Translation {
    /// The `pages` pages at `kaddr`, which are the page frames from `pfn` on.
    ///
    /// Fails with `ERANGE` if there is no page.
    #[inline]
    pub fn new(kaddr: NonNull<u8>, pfn: Pfn, pages: usize) -> Result<Self> {
        if pages == 0 {
            return Err(ERANGE);
        }
        Ok(Self { kaddr, pfn, pages })
    }

    /// The address of the first page, its frame and the number of pages.
    #[inline]
    pub fn into_parts(self) -> (NonNull<u8>, Pfn, usize) {
        (self.kaddr, self.pfn, self.pages)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Positions in a DAX device, and their translation to memory.

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
///
/// # Examples
///
/// ```
/// use kernel_ext::dax::PageOffset;
///
/// let third = PageOffset::new(2);
/// assert_eq!(third.bytes(), Some(2 * kernel::page::PAGE_SIZE as u64));
/// assert_eq!(PageOffset::new(usize::MAX).bytes(), None);
/// ```
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

/// The purpose of a call to [`Operations::direct_access`](super::Operations::direct_access)
/// (`enum dax_access_mode`).
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::{dax::AccessMode, error::ehwpoison};
///
/// fn check(poisoned: bool, mode: AccessMode) -> Result {
///     if poisoned && mode == AccessMode::Access {
///         return Err(ehwpoison());
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// Ordinary reads and writes: the driver refuses a range with known poison.
    Access,
    /// A write that goes through
    /// [`Operations::recovery_write`](super::Operations::recovery_write): the driver accepts a poisoned
    /// range.
    RecoveryWrite,
}

impl AccessMode {
    /// The mode that C calls `mode`: [`Self::Access`] for values that C does not define.
    #[inline]
    pub fn from_raw(mode: bindings::dax_access_mode) -> Self {
        if mode == bindings::dax_access_mode::DAX_RECOVERY_WRITE {
            Self::RecoveryWrite
        } else {
            Self::Access
        }
    }

    /// The mode for C.
    #[inline]
    pub fn as_raw(self) -> bindings::dax_access_mode {
        match self {
            Self::Access => bindings::dax_access_mode::DAX_ACCESS,
            Self::RecoveryWrite => bindings::dax_access_mode::DAX_RECOVERY_WRITE,
        }
    }
}

/// Pages of a DAX device that follow each other in memory, from the requested one on.
///
/// A device may answer with fewer pages than the caller wanted (at the border of a stripe, before a
/// bad block), so the length only comes together with the address.
///
/// Callers copy to the memory at the address, and a filesystem maps the frames to user space, so a
/// driver makes a translation only with an unsafe call, [`Self::new`].
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::{dax::{PageOffset, Translation}, units::Pfn};
///
/// /// Memory of `pages` pages at `base`, with the page frames from `first` on.
/// struct Memory {
///     base: core::ptr::NonNull<u8>,
///     first: usize,
///     pages: usize,
/// }
///
/// fn translate(memory: &Memory, pgoff: PageOffset) -> Result<Translation> {
///     let at = pgoff.pages();
///     let rest = memory.pages.checked_sub(at).ok_or(ERANGE)?;
///     let offset = at * kernel::page::PAGE_SIZE;
///     // SAFETY: (why the memory stays mapped until the device has been killed)
///     unsafe { Translation::new(memory.base.add(offset), Pfn::new(memory.first + at), rest) }
/// }
/// ```
///
/// # Invariants
///
/// - `pages` is not 0.
/// - The `pages` pages at `kaddr` are mapped for reading and writing, but for pages that the kernel
///   unmaps because of a memory error, until the device has been killed.
/// - These pages are the page frames from `pfn` on.
#[must_use = "the translation may have fewer pages than the caller wanted"]
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
    ///
    /// # Safety
    ///
    /// If `pages` is not 0:
    ///
    /// - The `pages` pages at `kaddr` must be mapped for reading and writing, but for pages that the
    ///   kernel unmaps because of a memory error, until [`Registration::kill`] of the device has
    ///   returned.
    /// - Rust code must not refer to this memory.
    /// - The page frames from `pfn` on must be this memory.
    /// - If a filesystem uses the device, the frames must have a `struct page` of the type
    ///   `MEMORY_DEVICE_FS_DAX`, for as long as the filesystem is mounted.
    ///
    /// [`Registration::kill`]: super::Registration::kill
    #[inline]
    pub unsafe fn new(kaddr: NonNull<u8>, pfn: Pfn, pages: usize) -> Result<Self> {
        if pages == 0 {
            return Err(ERANGE);
        }
        // INVARIANT: Checked above, and the caller ensures the rest.
        Ok(Self { kaddr, pfn, pages })
    }

    /// The address of the first page, its frame and the number of pages.
    #[inline]
    pub fn into_parts(self) -> (NonNull<u8>, Pfn, usize) {
        (self.kaddr, self.pfn, self.pages)
    }
}

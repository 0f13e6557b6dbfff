// SPDX-License-Identifier: GPL-2.0

//! One extent.

use crate::{
    bindings,
    dax::{
        DaxDevice,
        PageOffset, //
    },
    error::eopnotsupp, //
};
use core::ptr::NonNull;
use kernel::{
    page::{
        PAGE_MASK,
        PAGE_SHIFT, //
    },
    prelude::*, //
};

/// The type of an extent (`IOMAP_MAPPED` and others).
///
/// # Examples
///
/// ```
/// use kernel_ext::iomap::{ExtentType, Map};
///
/// fn has_data(map: &Map) -> bool {
///     map.extent_type() == ExtentType::Mapped
/// }
/// # let _ = has_data;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtentType {
    /// No blocks: reads as zeros.
    Hole,
    /// Blocks that are to be allocated later.
    Delalloc,
    /// Blocks with data.
    Mapped,
    /// Blocks that have not been written: reads as zeros.
    Unwritten,
    /// Data in the inode, or a type that this code does not know.
    Other,
}

/// An extent, as the filesystem answered (`struct iomap`).
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::{dax::PageOffset, iomap::Map};
///
/// /// Where on its device the byte `pos` of a file is.
/// fn place(map: &Map, pos: u64) -> Result<PageOffset> {
///     map.dax_device()?;
///     Ok(map.page_offset(pos))
/// }
/// # let _ = place;
/// ```
///
/// # Invariants
///
/// Is the map of an [`Iter`](super::Iter): empty, or the answer of a filesystem that is mounted.
#[repr(transparent)]
pub struct Map(bindings::iomap);

impl Map {
    /// The type of the extent.
    #[inline]
    pub fn extent_type(&self) -> ExtentType {
        match u32::from(self.0.type_) {
            bindings::IOMAP_HOLE => ExtentType::Hole,
            bindings::IOMAP_DELALLOC => ExtentType::Delalloc,
            bindings::IOMAP_MAPPED => ExtentType::Mapped,
            bindings::IOMAP_UNWRITTEN => ExtentType::Unwritten,
            _ => ExtentType::Other,
        }
    }

    /// Whether the extent has no data and reads as zeros.
    #[inline]
    pub fn reads_as_zeros(&self) -> bool {
        matches!(self.extent_type(), ExtentType::Hole | ExtentType::Unwritten)
    }

    #[inline]
    fn has(&self, flag: u32) -> bool {
        u32::from(self.0.flags) & flag != 0
    }

    /// Whether the blocks have just been allocated.
    #[inline]
    pub fn is_new(&self) -> bool {
        self.has(bindings::IOMAP_F_NEW)
    }

    /// Whether metadata that is needed to find the data has yet to be committed.
    #[inline]
    pub fn is_dirty(&self) -> bool {
        self.has(bindings::IOMAP_F_DIRTY)
    }

    /// Whether the blocks are shared with other files; of an extent to be written, whether it
    /// replaces blocks that were.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.has(bindings::IOMAP_F_SHARED)
    }

    /// The device that has the blocks.
    ///
    /// Fails with `EOPNOTSUPP` if that is not a DAX device.
    #[inline]
    pub fn dax_device(&self) -> Result<&DaxDevice> {
        let device = NonNull::new(self.0.dax_dev).ok_or_else(eopnotsupp)?;
        // SAFETY:
        // - By the type invariants a mounted filesystem has answered with the device, to which it
        //   has a reference as long as it is mounted.
        // - The caller cannot keep the result longer than the iterator, which borrows an inode of
        //   the filesystem, and a filesystem with an inode in use stays mounted.
        Ok(unsafe { DaxDevice::from_raw(device) })
    }

    /// The page of the device that holds the byte `pos` of the file.
    ///
    /// If the extent has no blocks, or `pos` is not inside of it, this is any page, which need not
    /// be one of the device.
    #[inline]
    pub fn page_offset(&self, pos: u64) -> PageOffset {
        // Wraps, so that a wrong answer of the filesystem is no panic; the device checks the page.
        // With `+` and `-` the compiler no longer inlines what looks up each window of a read or
        // write, and a write to a private mapping takes 6 instructions more.
        let bytes = self
            .0
            .addr
            .wrapping_add(pos & PAGE_MASK as u64)
            .wrapping_sub(self.0.offset as u64);
        PageOffset::new((bytes >> PAGE_SHIFT) as usize)
    }

    /// The end of the extent, in bytes from the start of the file.
    ///
    /// Wraps, for the same reason as [`Iter::length`](super::Iter::length).
    #[inline]
    pub(super) fn end(&self) -> u64 {
        (self.0.offset as u64).wrapping_add(self.0.length)
    }
}

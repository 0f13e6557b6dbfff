// SPDX-License-Identifier: GPL-2.0

//! Views of disks and block devices.

use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::prelude::*;
use kernel_ext::{
    bindings,
    dax::DiskKey, //
};

/// Bytes in a sector.
const SECTOR_SIZE: u64 = bindings::SECTOR_SIZE as u64;

/// A disk (`struct gendisk`).
///
/// # Invariants
///
/// The pointer is that of a disk that lives for `'a` and whose name does not change during `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Disk<'a>(NonNull<bindings::gendisk>, PhantomData<&'a ()>);

impl<'a> Disk<'a> {
    /// # Safety
    ///
    /// `disk` must be a disk that lives for `'a`, and its driver must have given it the name that it
    /// keeps.
    pub(crate) unsafe fn new(disk: NonNull<bindings::gendisk>) -> Self {
        // INVARIANT: The caller ensures what the invariants say, as `# Safety` asks.
        Self(disk, PhantomData)
    }

    /// The key under which a device of the disk is found.
    pub(crate) fn key(self) -> DiskKey {
        DiskKey::new(self.0)
    }

    /// The name.
    pub(crate) fn name(self) -> &'a [u8] {
        // SAFETY:
        // - The disk lives for `'a` by the type invariant.
        // - Its name is a C string inside the structure, which does not change during `'a`.
        unsafe { CStr::from_char_ptr((&raw const (*self.0.as_ptr()).disk_name).cast()).to_bytes() }
    }
}

/// A block device (`struct block_device`): a disk, or a partition of one.
///
/// # Invariants
///
/// The pointer is that of a block device that is open during `'a`, so that its disk has a queue.
#[derive(Clone, Copy)]
pub(crate) struct BlockDevice<'a>(NonNull<bindings::block_device>, PhantomData<&'a ()>);

impl<'a> BlockDevice<'a> {
    /// # Safety
    ///
    /// `bdev` must be a block device that the caller keeps open for `'a`.
    pub(crate) unsafe fn new(bdev: NonNull<bindings::block_device>) -> Self {
        // INVARIANT: The caller ensures what the invariants say, as `# Safety` asks.
        Self(bdev, PhantomData)
    }

    /// The disk.
    pub(crate) fn disk(self) -> Disk<'a> {
        // INVARIANT: The disk lives as long as its block device, and was named before that was made.
        // SAFETY: The block device lives for `'a` by the type invariant, and its disk is not NULL.
        unsafe { Disk::new(NonNull::new_unchecked((*self.0.as_ptr()).bd_disk)) }
    }

    /// Whether the driver of the disk offers DAX (`BLK_FEAT_DAX`).
    pub(crate) fn offers_dax(self) -> bool {
        let disk = self.disk();
        // SAFETY: The disk lives for `'a`, and has a queue by the type invariant.
        let features = unsafe { (*(*disk.0.as_ptr()).queue).limits.features };
        features & bindings::BLK_FEAT_DAX != 0
    }

    /// The offset of the block device on its disk, in bytes.
    pub(crate) fn start(self) -> u64 {
        // SAFETY: The block device lives for `'a` by the type invariant.
        unsafe { (*self.0.as_ptr()).bd_start_sect * SECTOR_SIZE }
    }

    /// The size of the block device, in bytes.
    pub(crate) fn len(self) -> u64 {
        // SAFETY: The block device lives for `'a` by the type invariant.
        unsafe { (*self.0.as_ptr()).bd_nr_sectors * SECTOR_SIZE }
    }

    /// Says in the log that the borders of a partition prevent DAX.
    pub(crate) fn report_unaligned(self) {
        let format = c"\x016%pg: error: unaligned partition for dax\n".as_char_ptr();
        // SAFETY: `%pg` takes a block device, which lives for `'a` by the type invariant.
        unsafe { bindings::_printk(format, self.0.as_ptr()) };
    }
}

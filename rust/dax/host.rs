// SPDX-License-Identifier: GPL-2.0

//! Under which host a filesystem finds a DAX device.

use crate::bindings;
use core::ptr::NonNull;
use kernel::str::CStr;

/// A disk as the key of a lookup. It is compared and never dereferenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DiskKey(NonNull<bindings::gendisk>);

// SAFETY: Only the address is used.
unsafe impl Send for DiskKey {}
// SAFETY: Only the address is used.
unsafe impl Sync for DiskKey {}

impl DiskKey {
    /// The key of the disk at `disk`, for the abstractions of disks.
    #[inline]
    pub const fn new(disk: NonNull<bindings::gendisk>) -> Self {
        Self(disk)
    }

    /// The address that C uses as the key.
    #[cfg_attr(not(CONFIG_FS_DAX), expect(dead_code))]
    pub(crate) fn as_raw(self) -> *mut bindings::gendisk {
        self.0.as_ptr()
    }
}

/// What a DAX device is found by.
#[derive(Clone, Copy, Debug)]
pub enum Host<'a> {
    /// Nothing: whoever uses the device got it from its driver.
    None,
    /// A block device: `fs_dax_get_by_bdev()` of the disk or one of its partitions.
    Disk(DiskKey),
    /// A name, for a host that has no block device: `dax_get_by_host()`. Needs the Rust core.
    Name(&'a CStr),
}

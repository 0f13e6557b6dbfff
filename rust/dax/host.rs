// SPDX-License-Identifier: GPL-2.0

//! Hosts of DAX devices.

use crate::bindings;
use core::ptr::NonNull;
use kernel::str::CStr;

/// A disk as the key of a lookup. Its address is compared and never followed.
///
/// # Examples
///
/// ```
/// use kernel_ext::dax::{DiskKey, Host};
///
/// /// Whether a lookup for `disk` leads to a device that was registered under `host`.
/// fn leads_to(disk: DiskKey, host: Host<'_>) -> bool {
///     matches!(host, Host::Disk(key) if key == disk)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DiskKey(NonNull<bindings::gendisk>);

// SAFETY: The address is compared and never followed, which any thread may do.
unsafe impl Send for DiskKey {}
// SAFETY: The address is compared and never followed, which several threads may do at once.
unsafe impl Sync for DiskKey {}

impl DiskKey {
    /// The key of the disk at `disk`.
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

/// The host under which a filesystem finds a DAX device.
///
/// # Examples
///
/// ```
/// use kernel_ext::dax::Host;
///
/// let host = Host::Name(c"interleave0");
/// # let _ = host;
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Host<'a> {
    /// None: users of the device get it from its driver.
    None,
    /// A block device: `fs_dax_get_by_bdev()` of the disk or one of its partitions.
    Disk(DiskKey),
    /// A name, for a host that has no block device: `dax_get_by_host()`. Needs the Rust core.
    Name(&'a CStr),
}

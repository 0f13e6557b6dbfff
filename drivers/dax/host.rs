// SPDX-License-Identifier: GPL-2.0

//! Hosts of devices: the disk, or the name, under which a filesystem finds a device.
//!
//! A disk is the host of a device that belongs to a block device (pmem, device-mapper). A device
//! without one (an interleave set, memory that a driver carves up) can be registered under a name,
//! which a filesystem gets as a mount option or its like.

use core::cmp::Ordering;
use kernel::prelude::*;
use kernel_ext::dax::DiskKey;

/// The longest name of a host, in bytes: as long as that of a disk (`DISK_NAME_LEN`).
pub(crate) const NAME_MAX: usize = 31;

/// A name of a host, of 1 to [`NAME_MAX`] bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostName {
    bytes: [u8; NAME_MAX],
    len: u8,
}

impl HostName {
    /// Fails with `EINVAL` if the name is empty and with `E2BIG` if it is too long.
    pub(crate) fn new(name: &[u8]) -> Result<Self> {
        let mut bytes = [0; NAME_MAX];
        if name.is_empty() {
            return Err(EINVAL);
        }
        bytes
            .get_mut(..name.len())
            .ok_or(E2BIG)?
            .copy_from_slice(name);
        Ok(Self {
            bytes,
            len: name.len() as u8,
        })
    }

    /// The name as a text, `?` if it is not UTF-8.
    pub(crate) fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len));
        core::str::from_utf8(bytes.unwrap_or_default()).unwrap_or("?")
    }
}

/// A disk that is a host. Its name is for the list of devices only.
pub(crate) struct DiskHost {
    key: DiskKey,
    name: Option<HostName>,
}

impl DiskHost {
    /// The disk `key`, listed as `name`.
    pub(crate) fn new(key: DiskKey, name: Option<HostName>) -> Self {
        Self { key, name }
    }

    /// The name in the list of devices.
    pub(crate) fn name(&self) -> Option<HostName> {
        self.name
    }
}

impl PartialEq for DiskHost {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for DiskHost {}

impl PartialOrd for DiskHost {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DiskHost {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

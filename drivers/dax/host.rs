// SPDX-License-Identifier: GPL-2.0

//! Where a filesystem finds a device: under its disk, or under a name.
//!
//! A disk is the host of a device that belongs to a block device (pmem, device-mapper). A device
//! without one (an interleave set, memory that a driver carves up) can be registered under a name,
//! which a filesystem gets as a mount option or its like.

use crate::device::{
    DaxDevice, //
    Device,
};
use core::cmp::Ordering;
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};
use kernel_ext::{
    dax::DiskKey,
    fs::pseudo::Index, //
};

mod ffi;

/// The longest name of a host, in bytes: what a disk's name can have (`DISK_NAME_LEN`).
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

    /// The name as a text, `?` if it is none.
    pub(crate) fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len));
        core::str::from_utf8(bytes.unwrap_or_default()).unwrap_or("?")
    }
}

/// A disk that is a host. Its name is for the list of devices only.
struct Disk {
    key: DiskKey,
    name: Option<HostName>,
}

impl PartialEq for Disk {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Disk {}

impl PartialOrd for Disk {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Disk {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

/// All devices, and what they are found under.
///
/// A device is found from when it is added until it is removed or destroyed, whichever comes first.
pub(crate) struct Tables {
    devices: Index<u32, Device>,
    disks: Index<Disk, Device>,
    names: Index<HostName, Device>,
}

impl Tables {
    pub(crate) fn new() -> Self {
        Self {
            devices: Index::new(),
            disks: Index::new(),
            names: Index::new(),
        }
    }

    /// Adds a device to the list under its minor number.
    pub(crate) fn add_device(&mut self, minor: u32, dev: &DaxDevice) -> Result {
        self.devices.insert(minor, dev)
    }

    /// Makes the disk `key` the host of `dev`. Fails with `EBUSY` if it is one already.
    #[cfg_attr(not(CONFIG_FS_DAX), allow(dead_code))]
    fn add_disk(&mut self, key: DiskKey, name: Option<HostName>, dev: &DaxDevice) -> Result {
        self.disks.insert(Disk { key, name }, dev)
    }

    #[cfg_attr(not(CONFIG_FS_DAX), allow(dead_code))]
    fn remove_disk(&mut self, key: DiskKey) {
        self.disks.remove(&Disk { key, name: None });
    }

    #[cfg_attr(not(CONFIG_FS_DAX), allow(dead_code))]
    fn by_disk(&self, key: DiskKey) -> Option<ARef<DaxDevice>> {
        self.disks.get(&Disk { key, name: None })
    }

    /// Makes `name` the host of `dev`. Fails with `EBUSY` if it is one already.
    pub(crate) fn add_name(&mut self, name: HostName, dev: &DaxDevice) -> Result {
        self.names.insert(name, dev)
    }

    pub(crate) fn remove_name(&mut self, name: &HostName) {
        self.names.remove(name);
    }

    pub(crate) fn by_name(&self, name: &HostName) -> Option<ARef<DaxDevice>> {
        self.names.get(name)
    }

    /// Takes out a device that is being destroyed.
    pub(crate) fn forget(&mut self, dev: &DaxDevice) {
        self.devices.forget(dev);
        self.disks.forget(dev);
        self.names.forget(dev);
    }

    /// All devices with their minor numbers.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (u32, &DaxDevice)> {
        self.devices.iter().map(|(minor, dev)| (*minor, dev))
    }

    /// What `dev` is found under, if anything.
    pub(crate) fn host_of(&self, dev: &DaxDevice) -> Option<HostName> {
        let same = |other: &DaxDevice| core::ptr::eq(other, dev);
        let disk = self.disks.iter().find(|(_, other)| same(other));
        let name = self.names.iter().find(|(_, other)| same(other));
        disk.and_then(|(disk, _)| disk.name)
            .or(name.map(|(name, _)| *name))
    }
}

#[kunit_tests(rust_dax_host)]
mod tests {
    use super::*;
    use crate::{
        dax_core,
        device,
        liveness, //
    };
    use core::ptr;

    fn new() -> Result<ARef<DaxDevice>> {
        device::alloc(ptr::null_mut(), |_| ())
    }

    /// The key of a disk that does not exist.
    fn disk(n: usize) -> Result<DiskKey> {
        Ok(DiskKey::new(
            ptr::NonNull::new(ptr::without_provenance_mut(n)).ok_or(EINVAL)?,
        ))
    }

    fn by_disk(key: DiskKey) -> Result<Option<ARef<DaxDevice>>> {
        Ok(dax_core()?.tables.lock().by_disk(key))
    }

    fn by_name(name: HostName) -> Result<Option<ARef<DaxDevice>>> {
        Ok(dax_core()?.tables.lock().by_name(&name))
    }

    #[test]
    fn names() {
        assert!(HostName::new(b"").is_err());
        assert!(HostName::new(&[b'x'; NAME_MAX]).is_ok());
        assert!(HostName::new(&[b'x'; NAME_MAX + 1]).is_err());
        assert_eq!(
            HostName::new(b"pmem0").map(|n| n.as_str() == "pmem0"),
            Ok(true)
        );
        assert!(HostName::new(b"pmem1") != HostName::new(b"pmem10"));
        assert_eq!(HostName::new(b"\xff").map(|n| n.as_str() == "?"), Ok(true));
    }

    #[test]
    fn disk_lookup() -> Result {
        let (one, two) = (new()?, new()?);
        let (first, second) = (disk(0x1000)?, disk(0x2000)?);
        assert!(by_disk(first)?.is_none());

        dax_core()?.tables.lock().add_disk(first, None, &one)?;
        dax_core()?.tables.lock().add_disk(second, None, &two)?;
        let taken = dax_core()?.tables.lock().add_disk(first, None, &two);
        assert_eq!(taken.err(), Some(EBUSY));
        assert!(by_disk(first)?.is_some_and(|dev| ptr::eq(&*dev, &*one)));
        assert!(by_disk(second)?.is_some_and(|dev| ptr::eq(&*dev, &*two)));

        dax_core()?.tables.lock().remove_disk(first);
        assert!(by_disk(first)?.is_none());
        assert!(by_disk(second)?.is_some());
        dax_core()?.tables.lock().remove_disk(first);

        dax_core()?.tables.lock().remove_disk(second);
        liveness::kill(&one);
        liveness::kill(&two);
        Ok(())
    }

    #[test]
    fn name_lookup() -> Result {
        let dev = new()?;
        let name = HostName::new(b"kunit")?;
        dax_core()?.tables.lock().add_name(name, &dev)?;
        let taken = dax_core()?.tables.lock().add_name(name, &dev);
        assert_eq!(taken.err(), Some(EBUSY));
        assert!(by_name(name)?.is_some_and(|found| ptr::eq(&*found, &*dev)));
        assert!(by_name(HostName::new(b"kuni")?)?.is_none());
        assert!(dax_core()?.tables.lock().host_of(&dev) == Some(name));

        dax_core()?.tables.lock().remove_name(&name);
        assert!(by_name(name)?.is_none());
        liveness::kill(&dev);
        Ok(())
    }

    /// A driver that forgets to remove a host leaves nothing behind that a lookup could find.
    #[test]
    fn destroyed_device_is_not_found() -> Result {
        let dev = new()?;
        let (key, name) = (disk(0x3000)?, HostName::new(b"forgotten")?);
        let minor = dev.devt().minor();
        dax_core()?.tables.lock().add_disk(key, None, &dev)?;
        dax_core()?.tables.lock().add_name(name, &dev)?;
        liveness::kill(&dev);
        drop(dev);

        assert!(by_disk(key)?.is_none());
        assert!(by_name(name)?.is_none());
        let tables = dax_core()?.tables.lock();
        let listed = tables.devices().any(|(other, _)| other == minor);
        drop(tables);
        assert!(!listed);
        Ok(())
    }
}

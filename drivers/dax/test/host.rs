// SPDX-License-Identifier: GPL-2.0

//! Tests of the tables of hosts.

use kernel::prelude::*;

#[kunit_tests(rust_dax_host)]
mod tests {
    use crate::{
        device::DeviceObject,
        host::{
            DiskHost,
            HostName,
            NAME_MAX, //
        },
        sys::tables::tables,
        test::TestDevice, //
    };
    use core::ptr;
    use kernel::{
        prelude::*,
        sync::aref::ARef, //
    };
    use kernel_ext::dax::DiskKey;

    /// The key of a disk that does not exist.
    fn disk(n: usize) -> Result<DiskKey> {
        Ok(DiskKey::new(
            ptr::NonNull::new(ptr::without_provenance_mut(n)).ok_or(EINVAL)?,
        ))
    }

    fn by_disk(key: DiskKey) -> Result<Option<ARef<DeviceObject>>> {
        Ok(tables()?.lock().by_disk(key))
    }

    fn by_name(name: HostName) -> Result<Option<ARef<DeviceObject>>> {
        Ok(tables()?.lock().by_name(&name))
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
        let (one, two) = (TestDevice::new()?, TestDevice::new()?);
        let (first, second) = (disk(0x1000)?, disk(0x2000)?);
        assert!(by_disk(first)?.is_none());

        tables()?
            .lock()
            .add_disk(DiskHost::new(first, None), &one)?;
        tables()?
            .lock()
            .add_disk(DiskHost::new(second, None), &two)?;
        let taken = tables()?.lock().add_disk(DiskHost::new(first, None), &two);
        assert_eq!(taken.err(), Some(EBUSY));
        assert!(by_disk(first)?.is_some_and(|dev| ptr::eq(&*dev, &*one)));
        assert!(by_disk(second)?.is_some_and(|dev| ptr::eq(&*dev, &*two)));

        tables()?.lock().remove_disk(first);
        assert!(by_disk(first)?.is_none());
        assert!(by_disk(second)?.is_some());
        tables()?.lock().remove_disk(first);

        tables()?.lock().remove_disk(second);
        Ok(())
    }

    #[test]
    fn name_lookup() -> Result {
        let dev = TestDevice::new()?;
        let name = HostName::new(b"kunit")?;
        tables()?.lock().add_name(name, &dev)?;
        let taken = tables()?.lock().add_name(name, &dev);
        assert_eq!(taken.err(), Some(EBUSY));
        assert!(by_name(name)?.is_some_and(|found| ptr::eq(&*found, &*dev)));
        assert!(by_name(HostName::new(b"kuni")?)?.is_none());
        assert!(tables()?.lock().host_of(&dev) == Some(name));

        tables()?.lock().remove_name(&name);
        assert!(by_name(name)?.is_none());
        Ok(())
    }

    /// A driver that forgets to remove a host leaves nothing behind that a lookup could find.
    #[test]
    fn destroyed_device_is_not_found() -> Result {
        let dev = TestDevice::new()?;
        let (key, name) = (disk(0x3000)?, HostName::new(b"forgotten")?);
        let minor = dev.devt().minor();
        tables()?.lock().add_disk(DiskHost::new(key, None), &dev)?;
        tables()?.lock().add_name(name, &dev)?;
        drop(dev);

        assert!(by_disk(key)?.is_none());
        assert!(by_name(name)?.is_none());
        let tables = tables()?.lock();
        let listed = tables.devices().any(|(other, _)| other == minor);
        drop(tables);
        assert!(!listed);
        Ok(())
    }
}

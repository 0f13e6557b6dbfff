// SPDX-License-Identifier: GPL-2.0

//! Tests of the data of devices.

use kernel::prelude::*;

#[kunit_tests(rust_dax_device)]
mod tests {
    use crate::{
        device::{
            flag,
            Device,
            Property, //
        },
        sys::{
            driver::Private,
            filesystem, //
        },
        test::TestDevice,
    };
    use core::ptr;
    use kernel::{
        prelude::*,
        time::{
            delay::fsleep,
            Delta, //
        },
    };
    use kernel_ext::bitops::FlagSet;

    /// The flags of a new device.
    const FRESH: FlagSet<Device> = flag::ALIVE.set().with(flag::MINOR);

    #[test]
    fn minor_is_reused() -> Result {
        let first = TestDevice::new()?;
        let second = TestDevice::new()?;
        let minor = first.devt().minor();
        assert!(second.devt().minor() != minor);

        drop(first);
        let third = TestDevice::new()?;
        assert_eq!(third.devt().minor(), minor);
        Ok(())
    }

    #[test]
    fn same_number_same_device() -> Result {
        let dev = TestDevice::new()?;
        let again = filesystem::get(dev.devt()).ok_or(ENOMEM)?;
        assert!(ptr::eq(&*dev, &*again));
        Ok(())
    }

    /// The slab cache hands out the memory of freed devices with its old content.
    #[test]
    fn properties_are_not_inherited() -> Result {
        let mut old = KVec::new();
        for _ in 0..16 {
            let dev = TestDevice::new()?;
            dev.set_write_cache(true);
            dev.declare(Property::Synchronous);
            dev.declare(Property::NoCache);
            dev.declare(Property::NoMachineChecks);
            old.push(dev, GFP_KERNEL)?;
        }
        let mut addresses = KVec::new();
        for dev in &old {
            addresses.push(ptr::from_ref(&**dev).addr(), GFP_KERNEL)?;
        }
        drop(old);
        // Objects are freed by RCU.
        fsleep(Delta::from_millis(200));

        let mut reused = false;
        for _ in 0..16 {
            let dev = TestDevice::with_private(0)?;
            assert!(dev.flags() == FRESH);
            assert!(dev.private() == Private::NONE);
            reused |= addresses.contains(&ptr::from_ref(&*dev).addr());
        }
        if !reused {
            pr_info!("no memory was reused: nothing could be inherited\n");
        }
        Ok(())
    }

    #[test]
    fn write_cache_of_each_kind() -> Result {
        let plain = TestDevice::new()?;
        let extended = TestDevice::extended()?;
        for dev in [&plain, &extended] {
            assert!(!dev.write_cache());
            dev.set_write_cache(true);
            assert!(dev.write_cache());
        }
        assert!(plain.has(flag::WRITE_CACHE));
        assert!(!extended.has(flag::WRITE_CACHE));
        for dev in [&plain, &extended] {
            dev.set_write_cache(false);
            assert!(!dev.write_cache());
        }
        Ok(())
    }
}

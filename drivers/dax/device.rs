// SPDX-License-Identifier: GPL-2.0

//! What a DAX device consists of, its birth and its end.

use crate::{
    dax_core,
    holder::Holder,
    ops::OpsSlot, //
};
use kernel::{
    ffi::c_void,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
    },
    warn_on, //
};
use kernel_ext::{
    bitops::Flags,
    cdev::Cdev,
    fs::{
        self,
        pseudo::{
            self,
            FileSystem, //
        },
    },
};

mod ffi;

/// A device: its data, carried by an inode of the filesystem `dax`.
pub(crate) type DaxDevice = pseudo::Object<Device>;

/// The numbers of a device's flags.
pub(crate) mod flag {
    /// New operations may start; see [`crate::liveness`].
    pub(crate) const ALIVE: u32 = 0;
    /// `dax_flush()` writes back what the caches hold, by the architecture's routine.
    pub(crate) const WRITE_CACHE: u32 = 1;
    /// What has left the caches is persistent: `MAP_SYNC` mappings may be made.
    pub(crate) const SYNC: u32 = 2;
    /// Writes do not leave the caches dirty.
    pub(crate) const NOCACHE: u32 = 3;
    /// Reads survive machine checks.
    pub(crate) const NOMC: u32 = 4;

    // Of devices with an extended table. They are apart from the flags above so that others pay
    // for nothing: those test one flag, as in C.

    /// The counterpart of [`WRITE_CACHE`]: `dax_flush()` is the device's own business.
    pub(crate) const EXT_WRITE_CACHE: u32 = 5;
    /// The device has a `copy_from_iter` of its own.
    pub(crate) const EXT_COPY_FROM: u32 = 6;
    /// The device has a `copy_to_iter` of its own.
    pub(crate) const EXT_COPY_TO: u32 = 7;
    /// The device has an extended table.
    pub(crate) const EXT: u32 = 8;

    /// The minor number belongs to the device.
    pub(crate) const MINOR: u32 = 9;
}

/// The data of a device.
#[repr(C)]
pub(crate) struct Device {
    /// Room for the character device of device-dax. First, so that the device is found from it.
    pub(crate) cdev: Cdev,
    /// What the driver gave.
    private: Atomic<*mut c_void>,
    /// State and properties; see [`flag`].
    pub(crate) flags: Flags,
    /// The operations.
    pub(crate) ops: OpsSlot,
    /// Who uses the device.
    pub(crate) holder: Holder,
}

static FILE_SYSTEM: FileSystem<Device> = FileSystem::new();

impl pseudo::Type for Device {
    const NAME: &'static CStr = c"dax";
    const CACHE: &'static CStr = c"dax_cache";
    const MAGIC: usize = fs::DAXFS_MAGIC;
    const MODE: u16 = fs::S_IFCHR;
    const FLAGS: u32 = fs::S_DAX;

    fn filesystem() -> &'static FileSystem<Self> {
        &FILE_SYSTEM
    }

    fn new() -> Self {
        Self {
            cdev: Cdev::zeroed(),
            private: Atomic::new(core::ptr::null_mut()),
            flags: Flags::new(),
            ops: OpsSlot::new(),
            holder: Holder::new(),
        }
    }

    /// An object comes from the slab as its last user left it, so the properties of a device that
    /// is long gone are taken off here.
    fn reset(&self) {
        self.private.store(core::ptr::null_mut(), Relaxed);
        self.flags.reset();
        self.ops.reset();
        self.holder.clear();
    }

    fn start(&self) {
        self.flags.set(flag::ALIVE);
    }

    fn cdev(&self) -> &Cdev {
        &self.cdev
    }

    fn destroy(dev: &DaxDevice) {
        if warn_on!(dev.flags.test(flag::ALIVE)) {
            pr_warn!("kill_dax() must be called before final iput()\n");
        }
        // The root of the filesystem is in no table; and it alone exists before the core does.
        let Ok(core) = dax_core() else {
            return;
        };
        core.tables.lock().forget(dev);
        if dev.flags.test(flag::MINOR) {
            core.minors.free(dev.devt().minor());
        }
    }
}

impl Device {
    /// What the driver gave to the device, or NULL once the device is dead.
    #[inline]
    pub(crate) fn private(&self) -> *mut c_void {
        if self.flags.test(flag::ALIVE) {
            self.private.load(Relaxed)
        } else {
            core::ptr::null_mut()
        }
    }

    /// Whether `fsync()` has to flush.
    #[inline]
    pub(crate) fn write_cache(&self) -> bool {
        self.flags.load() & (1 << flag::WRITE_CACHE | 1 << flag::EXT_WRITE_CACHE) != 0
    }

    /// Turns flushing on or off.
    pub(crate) fn set_write_cache(&self, on: bool) {
        let bit = if self.flags.test(flag::EXT) {
            flag::EXT_WRITE_CACHE
        } else {
            flag::WRITE_CACHE
        };
        self.flags.assign(bit, on);
    }
}

/// Makes a device with the lowest free minor number over `private`; `publish` gives it its
/// operations. It is alive.
///
/// Fails with `ENOMEM` if there is no number or no memory left. Sleeps.
pub(crate) fn alloc(
    private: *mut c_void,
    publish: impl FnOnce(&DaxDevice),
) -> Result<ARef<DaxDevice>> {
    let core = dax_core()?;
    let minor = core
        .minors
        .alloc(*kernel_ext::cdev::Region::MINORS.end())
        .map_err(|_| ENOMEM)?;
    let dev = core
        .region
        .devt(minor)
        .and_then(|devt| FILE_SYSTEM.get(devt))
        .ok_or(ENOMEM)
        .inspect_err(|_| core.minors.free(minor))?;
    dev.flags.set(flag::MINOR);

    publish(&dev);
    dev.private.store(private, Relaxed);

    // Only the list of devices needs this.
    core.tables
        .lock()
        .add_device(minor, &dev)
        .inspect_err(|_| dev.flags.clear(flag::ALIVE))?;
    Ok(dev)
}

#[kunit_tests(rust_dax_device)]
mod tests {
    use super::*;
    use crate::liveness;
    use core::ptr;
    use kernel::time::{
        delay::fsleep,
        Delta, //
    };

    /// The flags of a device that nobody has told anything.
    const FRESH: u32 = 1 << flag::ALIVE | 1 << flag::MINOR;

    fn new() -> Result<ARef<DaxDevice>> {
        alloc(ptr::null_mut(), |_| ())
    }

    #[test]
    fn minor_is_reused() -> Result {
        let first = new()?;
        let second = new()?;
        let minor = first.devt().minor();
        assert!(second.devt().minor() != minor);

        liveness::kill(&first);
        drop(first);
        let third = new()?;
        assert_eq!(third.devt().minor(), minor);

        liveness::kill(&second);
        liveness::kill(&third);
        Ok(())
    }

    #[test]
    fn same_number_same_device() -> Result {
        let dev = new()?;
        let again = FILE_SYSTEM.get(dev.devt()).ok_or(ENOMEM)?;
        assert!(ptr::eq(&*dev, &*again));
        liveness::kill(&dev);
        Ok(())
    }

    /// The slab hands out the memory of devices that are gone, with what they left in it.
    #[test]
    fn properties_are_not_inherited() -> Result {
        let mut old = KVec::new();
        for _ in 0..16 {
            let dev = alloc(ptr::without_provenance_mut(0x100), |_| ())?;
            for bit in [flag::WRITE_CACHE, flag::SYNC, flag::NOCACHE, flag::NOMC] {
                dev.flags.set(bit);
            }
            old.push(dev, GFP_KERNEL)?;
        }
        let mut addresses = KVec::new();
        for dev in &old {
            addresses.push(ptr::from_ref(&**dev).addr(), GFP_KERNEL)?;
            liveness::kill(dev);
        }
        drop(old);
        // Objects are freed by RCU.
        fsleep(Delta::from_millis(200));

        let mut reused = false;
        for _ in 0..16 {
            let dev = new()?;
            assert_eq!(dev.flags.load(), FRESH);
            assert!(dev.private().is_null());
            reused |= addresses.contains(&ptr::from_ref(&*dev).addr());
            liveness::kill(&dev);
        }
        if !reused {
            pr_info!("no memory was reused: nothing could be inherited\n");
        }
        Ok(())
    }

    #[test]
    fn write_cache_of_each_kind() -> Result {
        let plain = new()?;
        let extended = new()?;
        extended.flags.set(flag::EXT);
        for dev in [&plain, &extended] {
            assert!(!dev.write_cache());
            dev.set_write_cache(true);
            assert!(dev.write_cache());
        }
        assert!(plain.flags.test(flag::WRITE_CACHE));
        assert!(!extended.flags.test(flag::WRITE_CACHE));
        for dev in [&plain, &extended] {
            dev.set_write_cache(false);
            assert!(!dev.write_cache());
            liveness::kill(dev);
        }
        Ok(())
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The data of a device.

use crate::{
    holder::Holder,
    ops::OpsSlot,
    sys::{
        cdev::Cdev,
        driver::{
            Given,
            Private,
            Revival,
            Tables,
            PRIVATE_OFFSET, //
        },
        pseudo::{
            Fresh,
            Object, //
        },
        table::{
            Base,
            Lent, //
        },
    },
};
use core::mem::offset_of;
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};
use kernel_ext::bitops::{
    AtomicFlags,
    FlagSet, //
};

/// A device: its data, carried by an inode of the filesystem `dax`.
pub(crate) type DeviceObject = Object<Device>;

/// The flags of a device.
pub(crate) mod flag {
    use super::Device;
    use kernel_ext::bitops;

    pub(crate) type Flag = bitops::Flag<Device>;

    /// New operations may start; see [`crate::liveness`].
    pub(crate) const ALIVE: Flag = Flag::new::<0>();
    /// `dax_flush()` writes the CPU caches back, by the architecture's routine.
    pub(crate) const WRITE_CACHE: Flag = Flag::new::<1>();
    /// Stores that have left the CPU caches are persistent: `MAP_SYNC` mappings may be made.
    pub(crate) const SYNC: Flag = Flag::new::<2>();
    /// Writes do not leave the caches dirty.
    pub(crate) const NOCACHE: Flag = Flag::new::<3>();
    /// Reads survive machine checks.
    pub(crate) const NOMC: Flag = Flag::new::<4>();

    // Flags of devices with an extended table. Other devices pay nothing for them: `dax_flush()` and
    // the copies test one flag, as in C, before they look at these.

    /// The counterpart of [`WRITE_CACHE`]: `dax_flush()` calls the device's own `flush`.
    pub(crate) const EXT_WRITE_CACHE: Flag = Flag::new::<5>();
    /// The device has a `copy_from_iter` of its own.
    pub(crate) const EXT_COPY_FROM: Flag = Flag::new::<6>();
    /// The device has a `copy_to_iter` of its own.
    pub(crate) const EXT_COPY_TO: Flag = Flag::new::<7>();
    /// The device has an extended table.
    pub(crate) const EXT: Flag = Flag::new::<8>();

    /// The minor number belongs to the device, and is given back with it.
    pub(crate) const MINOR: Flag = Flag::new::<9>();
}

/// A property that a driver or device-mapper gives to a device, and that nothing takes away.
#[derive(Clone, Copy)]
pub(crate) enum Property {
    /// See [`flag::SYNC`].
    Synchronous,
    /// See [`flag::NOCACHE`].
    NoCache,
    /// See [`flag::NOMC`].
    NoMachineChecks,
}

/// The data of a device.
#[repr(C)]
pub(crate) struct Device {
    /// Room for the character device of device-dax, from which the device is found.
    pub(crate) cdev: Cdev,
    /// The driver's private data, which operations of Rust drivers read (`struct dax_device_head`).
    private: Atomic<Private>,
    /// State and properties; see [`flag`].
    flags: AtomicFlags<Self>,
    /// The operations.
    pub(crate) ops: OpsSlot,
    /// The holder.
    pub(crate) holder: Holder,
}

impl Device {
    /// A device that is not alive and has nothing.
    pub(crate) fn new() -> Self {
        const PLACE: usize = DeviceObject::VALUE_OFFSET + offset_of!(Device, private);
        const { assert!(PLACE == PRIVATE_OFFSET) };

        Self {
            cdev: Cdev::zeroed(),
            private: Atomic::new(Private::NONE),
            flags: AtomicFlags::new(),
            ops: OpsSlot::new(),
            holder: Holder::new(),
        }
    }

    /// Makes a recycled device new: the slab cache hands it out as its last user left it.
    pub(crate) fn reset(fresh: &Fresh<'_, Self>) {
        fresh.private.store(Private::NONE, Relaxed);
        fresh.flags.reset();
        fresh.ops.reset();
        fresh.holder.clear();
    }

    /// Brings a new device to life. It has no operations yet.
    pub(crate) fn start(fresh: &Fresh<'_, Self>) {
        fresh.flags.set(flag::ALIVE);
    }

    /// Brings a device back to life.
    pub(crate) fn revive(&self, _driver: Revival) {
        self.flags.set(flag::ALIVE);
    }

    /// Lets no new operation start.
    pub(crate) fn stop(&self) {
        self.flags.clear(flag::ALIVE);
    }

    /// Gives a new device its minor number, its private data and operations. Fails with `EBUSY` if
    /// that was done before.
    pub(crate) fn set_up(&self, given: Given) -> Result {
        if self.has(flag::MINOR) {
            return Err(EBUSY);
        }
        let (private, tables) = given.into_parts();
        self.flags.set(flag::MINOR);
        if let Tables::Extended(table) = &tables {
            self.flags.set(flag::EXT);
            self.flags
                .assign(flag::EXT_COPY_FROM, table.has_copy_from());
            self.flags.assign(flag::EXT_COPY_TO, table.has_copy_to());
        }
        // Before the operations, which read it.
        self.private.store(private, Relaxed);
        self.ops.publish(tables);
        Ok(())
    }

    /// Gives operations to a device that has none. Fails with `EBUSY` if it has.
    ///
    /// A device that was made with an extended table keeps it for life, because its flags describe
    /// that table.
    pub(crate) fn set_ops(&self, table: Lent<Base>) -> Result {
        if self.flags.test(flag::EXT) {
            return Err(EBUSY);
        }
        self.ops.set(table)
    }

    /// The flags that are set now.
    #[inline]
    pub(crate) fn flags(&self) -> FlagSet<Self> {
        self.flags.load()
    }

    /// Whether `flag` is set now.
    #[inline]
    pub(crate) fn has(&self, flag: flag::Flag) -> bool {
        self.flags.test(flag)
    }

    /// Gives the device a property.
    #[inline]
    pub(crate) fn declare(&self, property: Property) {
        self.flags.set(match property {
            Property::Synchronous => flag::SYNC,
            Property::NoCache => flag::NOCACHE,
            Property::NoMachineChecks => flag::NOMC,
        });
    }

    /// The private data, also of a dead device, whose driver may have freed the object there.
    #[inline]
    pub(crate) fn private(&self) -> Private {
        self.private.load(Relaxed)
    }

    /// The private data, or [`Private::NONE`] once the device is dead.
    #[inline]
    pub(crate) fn private_if_alive(&self) -> Private {
        if self.has(flag::ALIVE) {
            self.private()
        } else {
            Private::NONE
        }
    }

    /// Whether `fsync()` has to flush.
    #[inline]
    pub(crate) fn write_cache(&self) -> bool {
        const ANY: FlagSet<Device> = flag::WRITE_CACHE.set().with(flag::EXT_WRITE_CACHE);

        !self.flags().intersection(ANY).is_empty()
    }

    /// Turns flushing on or off.
    pub(crate) fn set_write_cache(&self, on: bool) {
        let flag = if self.has(flag::EXT) {
            flag::EXT_WRITE_CACHE
        } else {
            flag::WRITE_CACHE
        };
        self.flags.assign(flag, on);
    }
}

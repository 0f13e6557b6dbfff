// SPDX-License-Identifier: GPL-2.0

//! Disks of drivers that take whole bios (`struct gendisk` without a request queue).
//!
//! A driver makes a disk ([`Disk::new`]), sets it up, and adds it to the system
//! ([`Disk::publish`]). Dropping the disk removes it.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use super::{
    attr::Group,
    bio::Bio,
    data::{
        self,
        OwnedDisk, //
    }, //
};
use crate::{
    badblocks::BadBlocks,
    bindings,
    dax::DiskKey,
    units::Sectors, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    device::{
        Bound,
        Device,
        DeviceContext, //
    },
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        ArcBorrow, //
    },
    ThisModule, //
};

/// The functions of a driver for its disks.
///
/// # Examples
///
/// ```
/// use kernel::{sync::ArcBorrow, ThisModule};
/// use kernel_ext::block::{bio::Bio, disk::Operations, status::Status};
///
/// trait Module: 'static {
///     const THIS: &'static ThisModule;
/// }
///
/// struct Broken<M: Module>(M);
///
/// impl<M: Module> Operations for Broken<M> {
///     type Data = ();
///
///     const MODULE: &'static ThisModule = M::THIS;
///
///     fn submit(_data: ArcBorrow<'_, ()>, bio: Bio) {
///         bio.end(Status::IOERR);
///     }
/// }
/// ```
pub trait Operations: Sized + 'static {
    /// The data of a disk, which its driver shares with it.
    type Data: Send + Sync + 'static;

    /// The module that must not be unloaded while a disk is open.
    const MODULE: &'static ThisModule;

    /// The directory of attributes that the disk has in sysfs.
    const ATTRIBUTES: Option<&'static Group<Self::Data>> = None;

    /// Carries a bio out, or hands it to code that ends it later. May sleep.
    fn submit(data: ArcBorrow<'_, Self::Data>, bio: Bio);
}

/// The limits and features of a disk (`struct queue_limits`).
///
/// # Examples
///
/// ```
/// use kernel_ext::block::disk::Limits;
///
/// fn without_dax(limits: Limits) -> Limits {
///     Limits { dax: false, ..limits }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The smallest unit of I/O, in bytes.
    pub logical_block_size: u32,
    /// The smallest unit that is written atomically, in bytes.
    pub physical_block_size: u32,
    /// The most sectors of a bio.
    pub max_sectors: u32,
    /// The disk has a write cache, which a flush empties.
    pub write_cache: bool,
    /// Bios with [`Bio::is_fua`] need no flush after them.
    pub fua: bool,
    /// The driver carries a bio out while it is submitted: worth polling for, bad for plugging.
    pub synchronous: bool,
    /// The disk has a DAX device.
    pub dax: bool,
}

impl Limits {
    fn to_raw(self) -> bindings::queue_limits {
        let mut raw: bindings::queue_limits = pin_init::zeroed();
        raw.logical_block_size = self.logical_block_size;
        raw.physical_block_size = self.physical_block_size;
        raw.max_hw_sectors = self.max_sectors;
        for (on, feature) in [
            (self.write_cache, bindings::BLK_FEAT_WRITE_CACHE),
            (self.fua, bindings::BLK_FEAT_FUA),
            (self.synchronous, bindings::BLK_FEAT_SYNCHRONOUS),
            (self.dax, bindings::BLK_FEAT_DAX),
        ] {
            if on {
                raw.features |= feature;
            }
        }
        raw
    }
}

/// A disk that has not been added to the system yet.
///
/// # Invariants
///
/// The disk has not been added.
///
/// # Examples
///
/// ```
/// use kernel::{device::{Bound, Device}, prelude::*, sync::Arc};
/// use kernel_ext::{block::disk::{Disk, Limits, LiveDisk, Operations}, units::Sectors};
///
/// fn add<T: Operations>(
///     parent: &Device<Bound>,
///     limits: Limits,
///     data: Arc<T::Data>,
/// ) -> Result<LiveDisk<T::Data>> {
///     let mut disk = Disk::<T>::new(limits, -1, data)?;
///     disk.set_capacity(Sectors(2048));
///     disk.publish(parent)
/// }
/// ```
pub struct Disk<T: Operations> {
    disk: OwnedDisk<T::Data>,
    _operations: PhantomData<T>,
}

/// A disk that is in use, with the driver's data `D`.
///
/// Dropping it removes the disk: later bios fail, and bios and attributes that the driver is
/// working on are waited for. Only then does the disk give up its reference to the data.
///
/// # Invariants
///
/// The disk has been added, and not been removed.
///
/// # Examples
///
/// ```
/// use kernel::device::Device;
/// use kernel_ext::block::disk::LiveDisk;
///
/// fn is_disk_of<D: Send + Sync>(disk: &LiveDisk<D>, dev: &Device) -> bool {
///     disk.is_child_of(dev)
/// }
/// ```
pub struct LiveDisk<D: Send + Sync + 'static>(OwnedDisk<D>);

impl<T: Operations> Disk<T> {
    const OPERATIONS: bindings::block_device_operations = bindings::block_device_operations {
        owner: T::MODULE.as_ptr(),
        submit_bio: Some(submit_bio::<T>),
        ..pin_init::zeroed()
    };

    /// Makes a disk on the NUMA node `node` over `data`. May sleep.
    pub fn new(limits: Limits, node: i32, data: Arc<T::Data>) -> Result<Self> {
        let mut limits = limits.to_raw();
        // SAFETY: The limits are a local variable, which the function copies; the class is static.
        let disk = from_err_ptr(unsafe {
            bindings::__blk_alloc_disk(&mut limits, node, static_lock_class!().as_ptr())
        })?;
        let disk = NonNull::new(disk).ok_or(ENOMEM)?;
        // SAFETY: The disk is new, so it is valid and not in use; the table is a constant.
        unsafe { (*disk.as_ptr()).fops = &Self::OPERATIONS };
        // INVARIANT: Nothing has added the new disk.
        Ok(Self {
            // SAFETY:
            // - The disk is new, so it is valid, not in use, and without private data.
            // - The reference of `__blk_alloc_disk()` is handed over.
            disk: unsafe { OwnedDisk::new(disk, data) },
            _operations: PhantomData,
        })
    }

    /// Lets `write` store the name of the disk.
    ///
    /// # Safety
    ///
    /// `write` must store a C string that fits in `DISK_NAME_LEN` bytes with its NUL.
    pub unsafe fn name_with(&mut self, write: impl FnOnce(*mut u8)) {
        // SAFETY: By the type invariants of `OwnedDisk` the disk is valid; it has not been added,
        // so only `self` uses its name.
        write(unsafe { (&raw mut (*self.disk.as_raw()).disk_name).cast() });
    }

    /// Sets the size.
    pub fn set_capacity(&mut self, capacity: Sectors) {
        // SAFETY: By the type invariants of `OwnedDisk` the disk is valid.
        unsafe { bindings::set_capacity(self.disk.as_raw(), capacity.0) };
    }

    /// Shows in sysfs the bad sectors that `list` picks from the data of the disk.
    pub fn set_bad_blocks(&mut self, list: impl for<'a> FnOnce(&'a T::Data) -> &'a BadBlocks) {
        let data = self.disk.data();
        let list = list(&data).as_raw();
        // SAFETY:
        // - By the type invariants of `OwnedDisk` the disk is valid; it has not been added, so
        //   nothing reads the field.
        // - The list is a part of the data, or static, and the disk owns the data until it has been
        //   removed.
        unsafe { (*self.disk.as_raw()).bb = list.cast() };
    }

    /// The key by which a DAX device is found for this disk.
    pub fn dax_key(&self) -> DiskKey {
        DiskKey::new(self.disk.as_non_null())
    }

    /// Adds the disk to the system, as a child of `parent`. May sleep.
    ///
    /// Bios may be submitted from then on, before this returns.
    pub fn publish(self, parent: &Device<Bound>) -> Result<LiveDisk<T::Data>> {
        let groups = T::ATTRIBUTES.map_or(core::ptr::null_mut(), Group::as_raw);
        // CAST: `Device` is transparent to `struct device`.
        let parent: *const bindings::device = core::ptr::from_ref(parent).cast();
        // SAFETY:
        // - By the type invariants of `OwnedDisk` the disk is valid, and by those of `Disk` it has
        //   not been added.
        // - The parent is a device, as its type says.
        // - The groups are NULL, or static and for the data that the disk has.
        to_result(unsafe {
            bindings::device_add_disk(parent.cast_mut(), self.disk.as_raw(), groups)
        })?;
        // INVARIANT: Just added.
        Ok(LiveDisk(self.disk))
    }
}

impl<D: Send + Sync + 'static> LiveDisk<D> {
    /// The disk as C names it.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::gendisk {
        self.0.as_raw()
    }

    /// The disk as a device.
    pub fn device(&self) -> &Device {
        // SAFETY:
        // - By the type invariants of `OwnedDisk` the disk is valid, and its device with it.
        // - The reference that `self` owns is one to that device.
        unsafe {
            let part0 = (*self.as_raw()).part0;
            Device::from_raw(&raw mut (*part0).bd_device)
        }
    }

    /// Whether `parent` is the device that the disk has been added to.
    pub fn is_child_of<Ctx: DeviceContext>(&self, parent: &Device<Ctx>) -> bool {
        // CAST: `Device` is transparent to `struct device`.
        let parent: *const bindings::device = core::ptr::from_ref(parent).cast();
        // SAFETY: By the type invariants the disk has been added, so its parent does not change.
        let found = unsafe { (*(*self.as_raw()).part0).bd_device.parent };
        core::ptr::eq(found, parent)
    }
}

impl<D: Send + Sync + 'static> Drop for LiveDisk<D> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the disk has been added. When this returns, its attributes
        // are gone and its queue is frozen for good, so nothing uses the data through it, which the
        // field then gives up.
        unsafe { bindings::del_gendisk(self.as_raw()) };
    }
}

/// Takes a bio for a disk of `T`.
///
/// # Safety
///
/// Only for the block layer:
///
/// - `bio` must be submitted to a disk of `T`, and be handed over.
/// - The queue of the disk must be entered: the removal of the disk waits until this returns.
unsafe extern "C" fn submit_bio<T: Operations>(bio: *mut bindings::bio) {
    // SAFETY:
    // - The caller ensures that the bio is valid and has a disk of `T`.
    // - The disk is not dropped before this returns, because its removal waits for that.
    let data = unsafe { data::data::<T::Data>((*(*bio).bi_bdev).bd_disk) };
    // SAFETY: The caller ensures that the bio is valid, so it is not NULL, and hands it over.
    T::submit(data, unsafe { Bio::from_raw(NonNull::new_unchecked(bio)) });
}

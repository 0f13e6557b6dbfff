// SPDX-License-Identifier: GPL-2.0

//! Disks of drivers that take whole bios (`struct gendisk` without a request queue).
//!
//! A disk is made ([`Disk::new`]), set up, and then added ([`Disk::publish`]); it is removed and given
//! back when it is dropped.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use super::{
    attr::Group,
    bio::Bio, //
};
use crate::{
    badblocks::BadBlocks,
    bindings,
    dax::DiskKey,
    units::Sectors, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    device::{
        Bound,
        Device, //
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

/// What a driver does for its disks.
pub trait Operations: Sized + 'static {
    /// What the disk is about; shared with the driver.
    type Data: Send + Sync + 'static;

    /// The module that must not go away while a disk is open.
    const MODULE: &'static ThisModule;

    /// The directory of attributes that the disk has in sysfs.
    const ATTRIBUTES: Option<&'static Group<Self>> = None;

    /// Carries a bio out, or sees to it that somebody else does. May sleep.
    fn submit(data: ArcBorrow<'_, Self::Data>, bio: Bio);
}

/// What a disk says of itself (`struct queue_limits`).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The smallest unit of I/O, in bytes.
    pub logical_block_size: u32,
    /// The smallest unit that is written atomically, in bytes.
    pub physical_block_size: u32,
    /// The most sectors of a bio.
    pub max_sectors: u32,
    /// Has a write cache, which flushes empty.
    pub write_cache: bool,
    /// Bios with [`Bio::is_fua`] need no flush after them.
    pub fua: bool,
    /// The bio is carried out when it is submitted: worth polling for, bad for plugging.
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

/// A disk that the system does not know yet.
///
/// # Invariants
///
/// - `disk` is valid, has not been added, and we own the reference to it.
/// - Its private data is that of an `Arc<T::Data>` which it owns.
pub struct Disk<T: Operations> {
    disk: NonNull<bindings::gendisk>,
    _data: PhantomData<Arc<T::Data>>,
}

/// A disk that is in use.
///
/// Dropping it removes it: who has it open gets errors, and what is under way is waited for. Then
/// none of the operations and attributes runs any more, and the data is given back.
///
/// # Invariants
///
/// As for [`Disk`], but that it has been added.
pub struct LiveDisk<T: Operations> {
    disk: NonNull<bindings::gendisk>,
    _data: PhantomData<Arc<T::Data>>,
}

impl<T: Operations> Disk<T> {
    const OPERATIONS: bindings::block_device_operations = bindings::block_device_operations {
        owner: T::MODULE.as_ptr(),
        submit_bio: Some(submit_bio::<T>),
        ..pin_init::zeroed()
    };

    /// Makes a disk on the NUMA node `node` over `data`. May sleep.
    pub fn new(limits: Limits, node: i32, data: Arc<T::Data>) -> Result<Self> {
        let mut limits = limits.to_raw();
        // SAFETY: The limits are a local variable; the class is static.
        let disk = from_err_ptr(unsafe {
            bindings::__blk_alloc_disk(&mut limits, node, static_lock_class!().as_ptr())
        })?;
        // SAFETY: The disk is valid and not in use yet; the table is static.
        unsafe {
            (*disk).fops = &Self::OPERATIONS;
            (*disk).private_data = Arc::into_raw(data).cast_mut().cast();
        }
        // INVARIANT: The disk is new, and has just got its data.
        Ok(Self {
            disk: NonNull::new(disk).ok_or(ENOMEM)?,
            _data: PhantomData,
        })
    }

    /// Lets `write` store the name, a C string of less than [`Self::NAME_LEN`] bytes.
    ///
    /// # Safety
    ///
    /// `write` must store a C string that fits in [`Self::NAME_LEN`] bytes with its NUL.
    pub unsafe fn name_with(&mut self, write: impl FnOnce(*mut u8)) {
        // SAFETY: The disk is valid and not in use by the type invariants.
        write(unsafe { (&raw mut (*self.disk.as_ptr()).disk_name).cast() });
    }

    /// The room for a name.
    pub const NAME_LEN: usize = bindings::DISK_NAME_LEN as usize;

    /// Sets the size.
    pub fn set_capacity(&mut self, capacity: Sectors) {
        // SAFETY: The disk is valid by the type invariants.
        unsafe { bindings::set_capacity(self.disk.as_ptr(), capacity.0) };
    }

    /// Shows in sysfs the bad sectors that `list` picks from the data of the disk.
    pub fn set_bad_blocks(&mut self, list: impl for<'a> FnOnce(&'a T::Data) -> &'a BadBlocks) {
        // SAFETY: The disk is valid and owns its data by the type invariants. The list is a part
        // of the data, which stays until the disk has been removed.
        unsafe {
            let data = &*(*self.disk.as_ptr()).private_data.cast::<T::Data>();
            (*self.disk.as_ptr()).bb = list(data).as_raw().cast();
        }
    }

    /// The key by which a DAX device is found for this disk.
    pub fn dax_key(&self) -> DiskKey {
        DiskKey::new(self.disk)
    }

    /// Adds the disk to the system, as a child of `parent`. May sleep.
    ///
    /// From then on bios may come, before this returns.
    pub fn publish(self, parent: &Device<Bound>) -> Result<LiveDisk<T>> {
        let groups = T::ATTRIBUTES.map_or(core::ptr::null_mut(), Group::as_raw);
        // CAST: `Device` is transparent to `struct device`.
        let parent: *const bindings::device = core::ptr::from_ref(parent).cast();
        // SAFETY: Both are valid by their type invariants; the groups are static, or there are
        // none.
        to_result(unsafe {
            bindings::device_add_disk(parent.cast_mut(), self.disk.as_ptr(), groups)
        })?;
        // INVARIANT: Just added; the rest is as it was in `self`, which is no more.
        Ok(LiveDisk {
            disk: ManuallyDrop::new(self).disk,
            _data: PhantomData,
        })
    }
}

impl<T: Operations> Drop for Disk<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the disk is valid, was never in use, and owns its data.
        unsafe { put(self.disk, PhantomData::<T>) };
    }
}

impl<T: Operations> LiveDisk<T> {
    /// The disk as C names it.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::gendisk {
        self.disk.as_ptr()
    }

    /// The disk as a device.
    pub fn device(&self) -> &Device {
        // SAFETY: The disk is valid by the type invariants, and has been added.
        unsafe {
            let part0 = (*self.disk.as_ptr()).part0;
            Device::from_raw(&raw mut (*part0).bd_device)
        }
    }
}

impl<T: Operations> Drop for LiveDisk<T> {
    fn drop(&mut self) {
        // SAFETY: The disk is in use by the type invariants.
        unsafe { bindings::del_gendisk(self.disk.as_ptr()) };
        // SAFETY: The disk is valid and owns its data by the type invariants. Its attributes are
        // gone, and its queue is frozen for good, so nobody uses the data through it.
        unsafe { put(self.disk, PhantomData::<T>) };
    }
}

// SAFETY: A disk may be set up, added and removed by any thread; its data may be shared.
unsafe impl<T: Operations> Send for Disk<T> {}
// SAFETY: As for `Disk`.
unsafe impl<T: Operations> Send for LiveDisk<T> {}
// SAFETY: What a shared reference offers are the addresses of the disk and its device.
unsafe impl<T: Operations> Sync for LiveDisk<T> {}

/// Gives a disk and its data back.
///
/// # Safety
///
/// `disk` must be valid, own its data, and be out of use; the caller must own the reference.
unsafe fn put<T: Operations>(disk: NonNull<bindings::gendisk>, _: PhantomData<T>) {
    // SAFETY: The caller ensures that the disk is valid and owns its data.
    let data = unsafe { Arc::<T::Data>::from_raw((*disk.as_ptr()).private_data.cast()) };
    // SAFETY: The caller owns the reference.
    unsafe { bindings::put_disk(disk.as_ptr()) };
    drop(data);
}

/// The data of a disk.
///
/// # Safety
///
/// `disk` must be the disk of a [`Disk<T>`] or [`LiveDisk<T>`] that is not dropped during `'a`.
#[inline]
pub(super) unsafe fn data<'a, T: Operations>(
    disk: *mut bindings::gendisk,
) -> ArcBorrow<'a, T::Data> {
    // SAFETY: By the type invariants the private data came from `Arc::into_raw`, and it is given
    // back when the disk is dropped. Nobody has a mutable reference to what is in an `Arc`.
    unsafe { ArcBorrow::from_raw((*disk).private_data.cast()) }
}

/// Takes a bio for a disk of `T`.
///
/// # Safety
///
/// Only for the block layer: `bio` must be valid, be submitted to a disk of `T` that has been
/// added, and be handed over. The queue of the disk must be entered, so that the removal of the
/// disk waits for this to return.
unsafe extern "C" fn submit_bio<T: Operations>(bio: *mut bindings::bio) {
    // SAFETY: The caller ensures that the bio is valid, and so is its disk; the disk is not
    // dropped before this returns.
    let data = unsafe { data::<T>((*(*bio).bi_bdev).bd_disk) };
    // SAFETY: The caller hands a valid bio over.
    T::submit(data, unsafe { Bio::from_raw(NonNull::new_unchecked(bio)) });
}

// SPDX-License-Identifier: GPL-2.0

//! Making the memory of files durable.

use super::{
    client::read_lock,
    AccessMode,
    DaxDevice,
    PageOffset, //
};
use crate::{
    bindings,
    fs::inode::Inode,
    memremap::Frames, //
};
use core::{
    ptr,
    ptr::NonNull, //
};
use kernel::sync::aref::ARef;

impl DaxDevice {
    /// The DAX device of the block device that the filesystem of `inode` is on, if there is one.
    ///
    /// A filesystem can have more than one device, and the blocks of the file may be on another.
    /// Sleeps. Memory reclaim must not call this, because the core takes a lock here under which
    /// others allocate memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel_ext::{dax::DaxDevice, fs::inode::Inode};
    ///
    /// fn has_write_cache(inode: &Inode) -> bool {
    ///     DaxDevice::of_filesystem(inode).is_some_and(|device| device.write_cache())
    /// }
    /// # let _ = has_write_cache;
    /// ```
    pub fn of_filesystem(inode: &Inode) -> Option<ARef<Self>> {
        // SAFETY: The inode is valid by its type invariants, and keeps its superblock. The block
        // device of a superblock does not change.
        let bdev = unsafe { (*(*inode.as_raw()).i_sb).s_bdev };
        if bdev.is_null() {
            return None;
        }
        let mut start = 0;
        // SAFETY:
        // - The filesystem has the block device open as long as it has inodes.
        // - `start` is ours.
        // - Without a holder the function claims nothing, so NULL will do for the other two.
        let found =
            unsafe { bindings::fs_dax_get_by_bdev(bdev, &mut start, ptr::null_mut(), ptr::null()) };
        // CAST: `DaxDevice` is transparent to the C structure.
        // SAFETY: If the core returns a device, it is valid and comes with a reference, which is
        // ours.
        NonNull::new(found.cast::<Self>()).map(|device| unsafe { ARef::from_raw(device) })
    }

    /// Flushes the frames as [`FileDevice::flush`] does, if one driver has mapped them and the first
    /// page of the device as one range. Returns whether it has. Sleeps.
    ///
    /// If so, the frames are memory of the device. If not, they still may be: a stripe has ranges of
    /// several drivers.
    pub fn flush_own(&self, frames: Frames<'_>) -> bool {
        let guard = read_lock();
        let is_own = self
            .direct_access_frame(&guard, PageOffset::new(0), 1, AccessMode::Access)
            .is_ok_and(|(_, pfn)| frames.are_with(pfn));
        if is_own {
            // SAFETY: The driver of the device has mapped the frames, as just found.
            unsafe { FileDevice::new(self) }.flush(frames);
        }
        is_own
    }
}

/// The device that has the memory of a file.
///
/// The core may call the driver of a device to flush its memory. So the driver must stay meanwhile,
/// and it does if it has mapped the frames, which are being held.
///
/// # Examples
///
/// ```
/// use kernel_ext::{dax::{DaxDevice, FileDevice}, memremap::Frames};
///
/// /// # Safety
/// ///
/// /// The frames must be memory of the device.
/// unsafe fn flush(device: &DaxDevice, frames: Frames<'_>) {
///     // SAFETY: The caller ensures that the frames are memory of the device.
///     unsafe { FileDevice::new(device) }.flush(frames);
/// }
/// # let _ = flush;
/// ```
///
/// # Invariants
///
/// The frames that the owner flushes are memory of the device, mapped by its driver.
#[derive(Clone, Copy)]
pub struct FileDevice<'a>(&'a DaxDevice);

impl<'a> FileDevice<'a> {
    /// The device `device`.
    ///
    /// # Safety
    ///
    /// During `'a`, the caller must flush only frames that are memory of the device: that its driver
    /// has mapped.
    #[inline]
    pub const unsafe fn new(device: &'a DaxDevice) -> Self {
        // INVARIANT: The caller ensures which frames are flushed.
        Self(device)
    }

    /// Writes back the lines of the frames that are dirty in CPU caches, if the device wants that
    /// (`dax_flush()`). Any context.
    #[inline]
    pub fn flush(self, frames: Frames<'_>) {
        let window = frames.window();
        // SAFETY:
        // - The device is valid by its type invariants.
        // - By the type invariants of `Frames` the memory is mapped, and the driver that has mapped
        //   it cannot go. By the type invariants that is the driver of the device, whose operation
        //   the core may call.
        unsafe { bindings::dax_flush(self.0.as_raw(), window.as_ptr().cast(), window.len()) };
    }
}

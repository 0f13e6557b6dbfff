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
    /// The device of the block device that the filesystem of `inode` is on, if there is one.
    ///
    /// The file may be elsewhere: filesystems can have more than one device. Sleeps; not while memory
    /// is being reclaimed, because the core may wait for memory under the lock that it takes here.
    pub fn of_filesystem(inode: &Inode) -> Option<ARef<Self>> {
        // SAFETY: The inode is valid by its type invariants, and its superblock lives as long.
        let bdev = unsafe { (*(*inode.as_raw()).i_sb).s_bdev };
        if bdev.is_null() {
            return None;
        }
        let mut start = 0;
        // SAFETY: The filesystem has the block device open. Without a holder nothing is claimed.
        let found =
            unsafe { bindings::fs_dax_get_by_bdev(bdev, &mut start, ptr::null_mut(), ptr::null()) };
        // CAST: `DaxDevice` is transparent to the C structure.
        // SAFETY: The core has returned a device with a reference, which is ours.
        NonNull::new(found.cast::<Self>()).map(|device| unsafe { ARef::from_raw(device) })
    }

    /// Whether the frames are memory that the device begins with. A device of several memories, as a
    /// stripe is, may have them all the same if the answer is no.
    pub fn begins_in_memory_of(&self, frames: Frames<'_>) -> bool {
        let guard = read_lock();
        self.direct_access_frame(&guard, PageOffset::new(0), 1, AccessMode::Access)
            .is_ok_and(|(_, pfn)| frames.are_with(pfn))
    }

    /// Writes back what the CPU caches hold of the frames, if the device wants that (`dax_flush()`).
    ///
    /// The frames are memory of the device. Any context.
    #[inline]
    pub fn flush(&self, frames: Frames<'_>) {
        let window = frames.window();
        // SAFETY: The device is valid by its type invariants; the memory is mapped, and its driver
        // there, by those of `Frames`.
        unsafe { bindings::dax_flush(self.as_raw(), window.as_ptr().cast(), window.len()) };
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The memory of entries: whether it is still there, whether it is in use, and how it is flushed.
//!
//! A filesystem that moves or frees blocks does not say which device they are on. Memory that is
//! volatile, or that keeps the content of the caches at a power loss, must not pay for flushes. So
//! the device is looked up and asked. Memory that may be another device's is flushed in any case.

use crate::sys::{
    entry::Entry,
    folio::DeviceFolio, //
};
use kernel::sync::aref::ARef;
use kernel_ext::{
    dax::DaxDevice,
    fs::inode::Inode,
    memremap::{
        Frames,
        Hold, //
    },
};

/// Keeps the memory of entries from being removed while it is used, one driver's at a time.
pub(crate) struct Memory<'a> {
    hold: Hold,
    /// The inode whose filesystem may be on the device.
    inode: Option<&'a Inode>,
    /// The device, once it was looked up.
    device: Option<ARef<DaxDevice>>,
}

impl<'a> Memory<'a> {
    /// For entries of `inode`. Not for a caller that may be reclaiming memory: see
    /// [`DaxDevice::of_filesystem`].
    #[inline]
    pub(crate) const fn of(inode: &'a Inode) -> Self {
        Self {
            hold: Hold::nothing(),
            inode: Some(inode),
            device: None,
        }
    }

    /// For entries with memory of `device`.
    #[inline]
    pub(crate) fn of_device(device: &DaxDevice) -> Self {
        Self {
            hold: Hold::nothing(),
            inode: None,
            device: Some(device.into()),
        }
    }

    /// For entries of any file; a flush does not ask the device.
    #[inline]
    pub(crate) const fn of_unknown_device() -> Self {
        Self {
            hold: Hold::nothing(),
            inode: None,
            device: None,
        }
    }

    /// The memory of `entry`, if it has some and that is still there; see [`Hold::frames`].
    #[inline]
    pub(crate) fn frames_of(&mut self, entry: Entry) -> Option<Frames<'_>> {
        let pfn = entry.mapped_pfn()?;
        self.hold.frames(pfn, entry.order().pages())
    }

    /// The memory from the first page of `entry` up to the end of what one driver has mapped at
    /// once, if that is all of the entry's or more.
    #[inline]
    pub(crate) fn frames_from(&mut self, entry: Entry) -> Option<Frames<'_>> {
        let frames = self.hold.frames_from(entry.mapped_pfn()?)?;
        (frames.pages() >= entry.order().pages()).then_some(frames)
    }

    /// Whether a task uses the memory of `entry`, which is in no page table of the file any more:
    /// I/O in flight, for one. Memory that is gone is not in use.
    #[inline]
    pub(crate) fn is_busy_unmapped(&mut self, entry: Entry) -> bool {
        self.frames_of(entry)
            .is_some_and(|frames| DeviceFolio::of(frames).is_busy_unmapped())
    }

    /// Writes back what the CPU caches hold of the memory of `entry`, if its device wants that.
    /// Returns whether the memory is there. Sleeps.
    pub(crate) fn flush(&mut self, entry: Entry) -> bool {
        if let Some(inode) = self.inode.take() {
            self.device = DaxDevice::of_filesystem(inode);
        }
        let Some(pfn) = entry.mapped_pfn() else {
            return false;
        };
        let Some(frames) = self.hold.frames(pfn, entry.order().pages()) else {
            return false;
        };
        let device = self.device.as_ref();
        if !device.is_some_and(|device| device.flush_own(frames)) {
            frames.window().flush();
        }
        true
    }
}

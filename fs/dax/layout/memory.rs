// SPDX-License-Identifier: GPL-2.0

//! The memory of entries: where it is, and how it is flushed.
//!
//! A filesystem that moves or frees blocks does not say which device they are on. Memory that is
//! volatile, or that power loss does not cut off from the caches, must not pay for flushes; so the
//! device is looked for, and asked. What may be of another device is flushed in any case.

use kernel::sync::aref::ARef;
use kernel_ext::{
    dax::DaxDevice,
    fs::inode::Inode,
    memremap::{
        Frames,
        Hold, //
    },
    units::Pfn, //
};

/// What holds the memory of entries while it is used.
pub(crate) struct Memory<'a> {
    hold: Hold,
    /// Whose filesystem may tell the device.
    inode: Option<&'a Inode>,
    /// The device, once it was looked for.
    device: Option<ARef<DaxDevice>>,
}

impl<'a> Memory<'a> {
    /// For entries of `inode`. Not for what frees memory: see [`DaxDevice::of_filesystem`].
    #[inline]
    pub(crate) const fn of(inode: &'a Inode) -> Self {
        Self {
            hold: Hold::nothing(),
            inode: Some(inode),
            device: None,
        }
    }

    /// For entries of any file, whose memory is flushed whatever the device is.
    #[inline]
    pub(super) const fn of_unknown_device() -> Self {
        Self {
            hold: Hold::nothing(),
            inode: None,
            device: None,
        }
    }

    /// The `pages` frames from `first` on, if they are there; see [`Hold::frames`].
    #[inline]
    pub(super) fn frames(&mut self, first: Pfn, pages: usize) -> Option<Frames<'_>> {
        self.hold.frames(first, pages)
    }

    /// Writes back what the CPU caches hold of the frames, if their device wants that. Returns whether
    /// the frames are there. Sleeps.
    pub(super) fn flush(&mut self, first: Pfn, pages: usize) -> bool {
        if let Some(inode) = self.inode.take() {
            self.device = DaxDevice::of_filesystem(inode);
        }
        let Some(frames) = self.hold.frames(first, pages) else {
            return false;
        };
        match &self.device {
            Some(device) if device.begins_in_memory_of(frames) => device.flush(frames),
            _ => frames.window().flush(),
        }
        true
    }
}

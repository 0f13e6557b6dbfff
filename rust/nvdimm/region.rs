// SPDX-License-Identifier: GPL-2.0

//! Regions: ranges of persistent memory of the platform.

use crate::{
    badblocks::BadBlocks,
    bindings,
    block::bio::{
        Bio,
        Status, //
    },
    units::PhysRange, //
};
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    prelude::*,
    sync::aref::AlwaysRefCounted,
    types::Opaque, //
};

/// A region of persistent memory.
///
/// # Invariants
///
/// A `struct nd_region` with a reference to its device.
#[repr(transparent)]
pub struct Region(Opaque<bindings::nd_region>);

impl Region {
    /// The region that the device `dev` belongs to.
    ///
    /// # Safety
    ///
    /// `dev` must be the device of a region, valid for the lifetime `'a`.
    #[inline]
    pub(super) unsafe fn of_device<'a>(dev: *mut bindings::device) -> &'a Self {
        // CAST: `Self` is transparent to the C structure.
        // SAFETY: The caller ensures that this is a region, and valid.
        unsafe { &*bindings::to_nd_region(dev).cast() }
    }

    /// The region as C names it.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::nd_region {
        self.0.get()
    }

    /// Whether writes must be flushed to be persistent; [`None`] if the platform does not say.
    pub fn has_flush(&self) -> Option<bool> {
        // SAFETY: The region is valid by the type invariants.
        match unsafe { bindings::nvdimm_has_flush(self.as_raw()) } {
            0 => Some(false),
            1.. => Some(true),
            _ => None,
        }
    }

    /// Whether the CPU caches lose what they hold of the region at power loss.
    pub fn has_cache(&self) -> bool {
        // SAFETY: The region is valid by the type invariants.
        unsafe { bindings::nvdimm_has_cache(self.as_raw()) != 0 }
    }

    /// Whether what has left the CPU caches is persistent, with no more to be done.
    pub fn is_synchronous(&self) -> bool {
        // SAFETY: The region is valid by the type invariants.
        unsafe { bindings::is_nvdimm_sync(self.as_raw()) }
    }

    /// Makes all that has left the CPU caches persistent, and waits for it. May sleep.
    ///
    /// Fails as the region's own way to flush does: with `EIO` or `ENOMEM`.
    #[inline]
    pub fn flush(&self) -> Result {
        // SAFETY: There is no bio.
        match unsafe { self.flush_for(core::ptr::null_mut()) } {
            0 => Ok(()),
            e => to_result(e),
        }
    }

    /// Makes all that has left the CPU caches persistent, and then ends `bio`. May sleep.
    ///
    /// A region behind a host (virtio-pmem) ends it later, when the host has answered.
    #[inline]
    pub fn flush_then_end(&self, bio: Bio) {
        // SAFETY: The bio is valid by its type invariants.
        let ret = unsafe { self.flush_for(bio.as_raw()) };
        if ret == bindings::NVDIMM_FLUSH_ASYNC as i32 {
            // The region has taken over the duty to end the bio.
            let _ = bio.into_raw();
            return;
        }
        bio.end(match ret {
            0 => Status::OK,
            e => Error::from_errno(e).into(),
        });
    }

    /// Calls `nvdimm_flush()`, but for a kernel that is to lose data. Without a bio it waits.
    ///
    /// # Safety
    ///
    /// `bio` must be NULL or valid.
    #[inline]
    unsafe fn flush_for(&self, bio: *mut bindings::bio) -> i32 {
        if cfg!(CONFIG_RUST_DAX_LOSE_FENCE) {
            return 0;
        }
        // SAFETY: The region is valid by the type invariants; the caller vouches for the bio.
        unsafe { bindings::nvdimm_flush(self.as_raw(), bio) }
    }

    /// Adds to `list` what is known to be bad of `range`; sector 0 of the list is its start.
    pub fn populate_bad_blocks(&self, list: &BadBlocks, range: PhysRange) {
        let range = bindings::range {
            start: range.start().0,
            end: range.last().0,
        };
        // SAFETY: The region and the list are valid by their type invariants.
        unsafe { bindings::nvdimm_badblocks_populate(self.as_raw(), list.as_raw(), &range) };
    }
}

// SAFETY: A region is a device, which is reference counted.
unsafe impl AlwaysRefCounted for Region {
    fn inc_ref(&self) {
        // SAFETY: The region is valid by the type invariants, and so is its device.
        unsafe { bindings::get_device(bindings::nd_region_dev(self.as_raw())) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // CAST: `Self` is transparent to the C structure.
        // SAFETY: The caller gives up a reference that it holds.
        unsafe { bindings::put_device(bindings::nd_region_dev(obj.cast().as_ptr())) };
    }
}

// SAFETY: The functions of C that are used here may be called from any thread, at the same time.
unsafe impl Send for Region {}
// SAFETY: As for `Send`.
unsafe impl Sync for Region {}

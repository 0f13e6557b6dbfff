// SPDX-License-Identifier: GPL-2.0

//! Regions: ranges of persistent memory of the platform.

use crate::{
    badblocks::BadBlocks,
    bindings,
    block::{
        bio::Bio,
        status::Status, //
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
/// A `struct nd_region` whose device has a reference.
///
/// # Examples
///
/// ```
/// use kernel_ext::nvdimm::Region;
///
/// fn needs_fua(region: &Region) -> bool {
///     region.has_flush() == Some(true)
/// }
/// ```
#[repr(transparent)]
pub struct Region(Opaque<bindings::nd_region>);

impl Region {
    /// The region that the device `dev` belongs to.
    ///
    /// # Safety
    ///
    /// `dev` must be the device of a region, and have a reference for the lifetime `'a`.
    #[inline]
    pub(super) unsafe fn of_device<'a>(dev: *mut bindings::device) -> &'a Self {
        // CAST: `Self` is transparent to the C structure.
        // INVARIANT: The conditions of this function are the invariants.
        // SAFETY: The device is part of a `struct nd_region`, which its reference keeps for `'a`.
        unsafe { &*bindings::to_nd_region(dev).cast() }
    }

    /// The region as C names it.
    #[inline]
    fn as_raw(&self) -> *mut bindings::nd_region {
        self.0.get()
    }

    /// Whether writes must be flushed to be persistent; [`None`] if the platform does not say.
    pub fn has_flush(&self) -> Option<bool> {
        // SAFETY: By the type invariants this is a region.
        match unsafe { bindings::nvdimm_has_flush(self.as_raw()) } {
            0 => Some(false),
            1.. => Some(true),
            _ => None,
        }
    }

    /// Whether the CPU caches lose their content of the region at power loss.
    pub fn has_cache(&self) -> bool {
        // SAFETY: By the type invariants this is a region.
        unsafe { bindings::nvdimm_has_cache(self.as_raw()) != 0 }
    }

    /// Whether data is persistent once it has left the CPU caches, without a flush of the region.
    pub fn is_synchronous(&self) -> bool {
        // SAFETY: By the type invariants this is a region.
        unsafe { bindings::is_nvdimm_sync(self.as_raw()) }
    }

    /// Makes all data that has left the CPU caches persistent, and waits for it. May sleep.
    ///
    /// Fails as the region's own way to flush does: with `EIO` or `ENOMEM`.
    #[inline]
    pub fn flush(&self) -> Result {
        // SAFETY: The bio is NULL.
        match unsafe { self.flush_for(core::ptr::null_mut()) } {
            0 => Ok(()),
            e => to_result(e),
        }
    }

    /// Makes all data that has left the CPU caches persistent, and then ends `bio`. May sleep.
    ///
    /// A region behind a host (virtio-pmem) ends it later, when the host has answered.
    #[inline]
    pub fn flush_then_end(&self, bio: Bio) {
        // SAFETY: By its type invariants the bio has been submitted and has not been ended.
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

    /// Calls `nvdimm_flush()`, which waits if `bio` is NULL; a kernel that is built to lose data
    /// does nothing instead.
    ///
    /// # Safety
    ///
    /// `bio` must be NULL, or a bio that has been submitted and has not been ended.
    #[inline]
    unsafe fn flush_for(&self, bio: *mut bindings::bio) -> i32 {
        if cfg!(CONFIG_RUST_DAX_LOSE_FENCE) {
            return 0;
        }
        // SAFETY:
        // - By the type invariants this is a region.
        // - The caller ensures that the bio is NULL or under way.
        unsafe { bindings::nvdimm_flush(self.as_raw(), bio) }
    }

    /// Adds to `list` the sectors of `range` that the bus knows to be bad; sector 0 of the list is
    /// the start of the range.
    pub fn populate_bad_blocks(&self, list: &BadBlocks, range: PhysRange) {
        let range = bindings::range {
            start: range.start().0,
            end: range.last().0,
        };
        // SAFETY:
        // - By the type invariants this is a region.
        // - By its type invariants the list is initialized.
        // - The range is a local variable that the function only reads.
        unsafe { bindings::nvdimm_badblocks_populate(self.as_raw(), list.as_raw(), &range) };
    }
}

// SAFETY: `get_device()` and `put_device()` count the references to the device, which keep the
// region.
unsafe impl AlwaysRefCounted for Region {
    fn inc_ref(&self) {
        // SAFETY: By the type invariants this is a region whose device has a reference.
        unsafe { bindings::get_device(bindings::nd_region_dev(self.as_raw())) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // CAST: `Self` is transparent to the C structure.
        // SAFETY: The caller gives up a reference to the region that it holds.
        unsafe { bindings::put_device(bindings::nd_region_dev(obj.cast().as_ptr())) };
    }
}

// SAFETY: libnvdimm releases a region on any thread.
unsafe impl Send for Region {}
// SAFETY: The functions of libnvdimm that are called here take the locks that they need, or read
// fields that are fixed once the region has been made.
unsafe impl Sync for Region {}

// SPDX-License-Identifier: GPL-2.0

//! The handle on a DAX device that its driver has.

use crate::bindings;
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    ffi::c_int,
    prelude::*,
    sync::aref::AlwaysRefCounted,
    types::Opaque, //
};

/// A DAX device.
///
/// Only the core knows what is inside. A reference does not say that the device is alive.
///
/// # Invariants
///
/// Refers to a `struct dax_device` of the running core, with a reference to its inode.
#[repr(transparent)]
pub struct DaxDevice(Opaque<bindings::dax_device>);

impl DaxDevice {
    /// The device at `ptr`.
    ///
    /// # Safety
    ///
    /// `ptr` must be a valid device of which a reference is held for the lifetime `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: NonNull<bindings::dax_device>) -> &'a Self {
        // CAST: `DaxDevice` is transparent to the C structure.
        // SAFETY: The caller ensures that `ptr` is valid for `'a`.
        unsafe { ptr.cast::<Self>().as_ref() }
    }

    /// The device as C names it.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::dax_device {
        self.0.get()
    }

    /// Whether a CPU cache that loses its content at power loss is in front of the memory, such
    /// that `fsync()` has to flush it.
    #[inline]
    pub fn write_cache(&self) -> bool {
        // SAFETY: `self` is a valid device by the type invariant.
        unsafe { bindings::dax_write_cache_enabled(self.as_raw()) }
    }

    /// Turns flushing for `fsync()` on or off.
    #[inline]
    pub fn set_write_cache(&self, on: bool) {
        // SAFETY: `self` is a valid device by the type invariant.
        unsafe { bindings::dax_write_cache(self.as_raw(), on) };
    }

    /// Whether `MAP_SYNC` mappings may be made: what is flushed from the caches is persistent.
    #[inline]
    pub fn is_synchronous(&self) -> bool {
        // SAFETY: `self` is a valid device by the type invariant.
        unsafe { bindings::dax_synchronous(self.as_raw()) }
    }

    /// Tells the holder of the device, a mounted filesystem, that `len` bytes at `offset` failed.
    ///
    /// `mf_flags` are the `MF_*` flags of memory failure handling. Fails with `EOPNOTSUPP` if
    /// nobody holds the device or the holder does not want to know, with `ENXIO` if the device is
    /// dead, else as the holder says. May sleep.
    pub fn notify_failure(&self, offset: u64, len: u64, mf_flags: c_int) -> Result {
        // SAFETY: `self` is a valid device by the type invariant.
        to_result(unsafe {
            bindings::dax_holder_notify_failure(self.as_raw(), offset, len, mf_flags)
        })
    }
}

// SAFETY: The inode that a DAX device is part of is reference counted. `put_dax()` may be called
// from any thread that may sleep.
unsafe impl AlwaysRefCounted for DaxDevice {
    fn inc_ref(&self) {
        // SAFETY: `self` has an inode with a reference, which lives in it.
        unsafe { bindings::ihold(bindings::dax_inode(self.as_raw())) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // CAST: `DaxDevice` is transparent to the C structure.
        // SAFETY: The caller gives up a reference that it holds.
        unsafe { bindings::put_dax(obj.cast().as_ptr()) };
    }
}

// SAFETY: C serialises the access to a device by itself: flags are atomic, the holder is exchanged
// atomically, and the rest does not change after the allocation.
unsafe impl Send for DaxDevice {}
// SAFETY: As for `Send`.
unsafe impl Sync for DaxDevice {}

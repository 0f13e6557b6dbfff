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

/// A DAX device (`struct dax_device`), whose members only the core knows.
///
/// A reference does not say that the device is alive.
///
/// # Invariants
///
/// The object is a `struct dax_device` of the running core. For as long as a Rust reference to it
/// exists, a reference of its inode's count is held.
///
/// # Examples
///
/// ```
/// use kernel_ext::dax::DaxDevice;
///
/// /// Turns flushing off, and tells whether it was on.
/// fn stop_flushing(dev: &DaxDevice) -> bool {
///     let was_on = dev.write_cache();
///     dev.set_write_cache(false);
///     was_on
/// }
/// ```
#[repr(transparent)]
pub struct DaxDevice(Opaque<bindings::dax_device>);

impl DaxDevice {
    /// The device at `ptr`.
    ///
    /// # Safety
    ///
    /// - `ptr` must be a `struct dax_device` of the running core.
    /// - A reference to it must be held for the lifetime `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: NonNull<bindings::dax_device>) -> &'a Self {
        // CAST: `DaxDevice` is transparent to the C structure.
        // INVARIANT: The caller ensures both parts.
        // SAFETY: The caller ensures that the device lives for `'a`, by a reference. C changes it
        // through an `UnsafeCell` (`Opaque`), which a shared reference allows.
        unsafe { ptr.cast::<Self>().as_ref() }
    }

    /// The device for C.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::dax_device {
        self.0.get()
    }

    /// Whether a CPU cache that loses its content at power loss is in front of the memory, such
    /// that `fsync()` has to flush it.
    #[inline]
    pub fn write_cache(&self) -> bool {
        // SAFETY: `self` is a device of the core by the type invariant, with a reference.
        unsafe { bindings::dax_write_cache_enabled(self.as_raw()) }
    }

    /// Turns flushing for `fsync()` on or off.
    #[inline]
    pub fn set_write_cache(&self, on: bool) {
        // SAFETY: `self` is a device of the core by the type invariant, with a reference.
        unsafe { bindings::dax_write_cache(self.as_raw(), on) };
    }

    /// Tells the holder of the device, a mounted filesystem, that `len` bytes at `offset` failed.
    ///
    /// `mf_flags` are the `MF_*` flags of memory failure handling. Fails with `EOPNOTSUPP` if the
    /// device has no holder, or one without an operation for this, with `ENXIO` if the device is
    /// dead, else as the holder says. May sleep.
    pub fn notify_failure(&self, offset: u64, len: u64, mf_flags: c_int) -> Result {
        // SAFETY: `self` is a device of the core by the type invariant, with a reference.
        to_result(unsafe {
            bindings::dax_holder_notify_failure(self.as_raw(), offset, len, mf_flags)
        })
    }
}

// SAFETY:
// - `ihold()` and `put_dax()` change the reference count of the inode atomically.
// - The core destroys the device only after the count has become 0.
unsafe impl AlwaysRefCounted for DaxDevice {
    fn inc_ref(&self) {
        // SAFETY:
        // - `self` is a device of the core by the type invariant: `dax_inode()` returns its inode.
        // - The count of the inode is not 0, because a reference is held by the type invariant.
        unsafe { bindings::ihold(bindings::dax_inode(self.as_raw())) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // CAST: `DaxDevice` is transparent to the C structure.
        // SAFETY:
        // - `obj` is a device of the core by the type invariant.
        // - The caller owns a reference, and gives it up.
        unsafe { bindings::put_dax(obj.cast().as_ptr()) };
    }
}

// SAFETY: Every function of the core that takes a device may be called from any thread.
unsafe impl Send for DaxDevice {}
// SAFETY: The core allows concurrent calls for one device: its flags and its holder are exchanged
// atomically, and all else that the methods use does not change after the allocation.
unsafe impl Sync for DaxDevice {}

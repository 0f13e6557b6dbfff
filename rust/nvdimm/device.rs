// SPDX-License-Identifier: GPL-2.0

//! Devices on the bus of non-volatile memory: namespaces and their personalities.

use super::region::Region;
use crate::{
    bindings,
    block::disk::LiveDisk,
    units::PhysAddr, //
};
use core::ptr::NonNull;
use kernel::{
    device::{
        self,
        Bound,
        DeviceContext, //
    },
    prelude::*,
    sync::aref::AlwaysRefCounted, //
};

/// A namespace or a personality: a device of the bus that a driver for namespaces is bound to.
///
/// # Invariants
///
/// A device on the nvdimm bus whose parent is the device of a region.
///
/// # Examples
///
/// ```
/// use kernel::{device::Core, prelude::*};
/// use kernel_ext::nvdimm::{NdDevice, Personality};
///
/// fn flush_unless_btt(dev: &NdDevice<Core<'_>>) -> Result {
///     match dev.personality() {
///         Personality::Btt(_) => Ok(()),
///         Personality::Pfn(_) | Personality::Raw => dev.region().flush(),
///     }
/// }
/// ```
#[repr(transparent)]
pub struct NdDevice<Ctx: DeviceContext = device::Normal>(device::Device<Ctx>);

impl<Ctx: DeviceContext> NdDevice<Ctx> {
    /// Takes a device of the driver model for one of the nvdimm bus.
    ///
    /// # Safety
    ///
    /// `dev` must be a namespace or a personality on the nvdimm bus, and its parent the device of a
    /// region.
    #[inline]
    pub(super) unsafe fn from_device(dev: &device::Device<Ctx>) -> &Self {
        // CAST: `Self` is transparent to the device.
        // INVARIANT: The conditions of this function are the invariants.
        // SAFETY: The pointer comes from a reference of the same lifetime.
        unsafe { &*core::ptr::from_ref(dev).cast() }
    }

    /// The `struct device` of the device.
    #[inline]
    pub(super) fn as_raw(&self) -> *mut bindings::device {
        // CAST: `NdDevice` is transparent to `struct device`.
        core::ptr::from_ref(&self.0)
            .cast::<bindings::device>()
            .cast_mut()
    }

    /// The region that the device is part of.
    #[inline]
    pub fn region(&self) -> &Region {
        // SAFETY:
        // - By the type invariants the parent is the device of a region.
        // - A device holds a reference to its parent, and `self` is borrowed as long as the result.
        unsafe { Region::of_device((*self.as_raw()).parent) }
    }

    /// The NUMA node that is closest, or -1.
    pub fn numa_node(&self) -> i32 {
        // SAFETY: By the type invariants this is a device.
        unsafe { bindings::dev_to_node(self.as_raw()) }
    }

    /// Whether a raw namespace is mapped with `struct page`s.
    pub fn should_map_pages(&self) -> bool {
        // SAFETY: By the type invariants this is a namespace or a personality; the function takes
        // either.
        unsafe { bindings::pmem_should_map_pages(self.as_raw()) }
    }

    /// Repairs the `bytes` bytes at `start` that have failed.
    ///
    /// Returns how many bytes from `start` on the firmware has repaired, or the firmware's error.
    /// May sleep.
    pub fn clear_poison(&self, start: PhysAddr, bytes: u32) -> Result<u32> {
        // SAFETY: By the type invariants the device is below an nvdimm bus. The function takes any
        // range: it asks the firmware, which refuses memory that is not its own.
        let cleared = unsafe { bindings::nvdimm_clear_poison(self.as_raw(), start.0, bytes) };
        match u32::try_from(cleared) {
            Ok(cleared) => Ok(cleared.min(bytes)),
            Err(_) => Err(Error::from_errno(cleared as i32)),
        }
    }
}

impl NdDevice<Bound> {
    /// Makes `disk` read-only or writable as the region is.
    ///
    /// Does nothing if the disk is not a child of this device.
    pub fn revalidate_read_only<D: Send + Sync + 'static>(&self, disk: &LiveDisk<D>) {
        if !disk.is_child_of(&self.0) {
            return;
        }
        // SAFETY:
        // - The disk has been added by the type invariants of `LiveDisk`.
        // - The parent of its device is this device, as just checked, whose own parent is the
        //   device of a region by the type invariants; the function looks for the region there.
        unsafe { bindings::nvdimm_check_and_set_ro(disk.as_raw()) };
    }
}

impl<Ctx: DeviceContext> AsRef<device::Device<Ctx>> for NdDevice<Ctx> {
    #[inline]
    fn as_ref(&self) -> &device::Device<Ctx> {
        &self.0
    }
}

// SAFETY: `NdDevice` is transparent to `device::Device`, in which the context is only a marker.
kernel::impl_device_context_deref!(unsafe { NdDevice });
kernel::impl_device_context_into_aref!(NdDevice);

// SAFETY: `get_device()` and `put_device()` count the references to the device.
unsafe impl AlwaysRefCounted for NdDevice {
    fn inc_ref(&self) {
        // SAFETY: By the type invariants this is a device; `self` shows that it has a reference.
        unsafe { bindings::get_device(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // CAST: `Self` is transparent to `struct device`.
        // SAFETY: The caller gives up a reference to the device that it holds.
        unsafe { bindings::put_device(obj.cast().as_ptr()) };
    }
}

// SAFETY: libnvdimm releases a device on any thread.
unsafe impl Send for NdDevice {}
// SAFETY: The functions that take a shared device read fields that are fixed while the device has a
// reference, or take the locks of libnvdimm.
unsafe impl Sync for NdDevice {}

// SPDX-License-Identifier: GPL-2.0

//! Devices on the bus of non-volatile memory: namespaces and their personalities.

use super::{
    Btt,
    Namespace,
    Personality,
    Pfn,
    Region, //
};
use crate::{
    bindings,
    block::disk::{
        LiveDisk,
        Operations, //
    },
    units::PhysAddr, //
};
use core::ptr::NonNull;
use kernel::{
    device::{
        self,
        Bound,
        DeviceContext, //
    },
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    sync::aref::AlwaysRefCounted, //
};

/// A namespace or personality: what a driver for namespaces is bound to.
///
/// # Invariants
///
/// A device on the nvdimm bus whose parent is a region.
#[repr(transparent)]
pub struct Device<Ctx: DeviceContext = device::Normal>(device::Device<Ctx>);

impl<Ctx: DeviceContext> Device<Ctx> {
    /// Takes a device for what it is.
    ///
    /// # Safety
    ///
    /// `dev` must be a namespace or personality on the nvdimm bus, and its parent a region.
    #[inline]
    pub(super) unsafe fn from_device(dev: &device::Device<Ctx>) -> &Self {
        // CAST: `Self` is transparent to the device.
        // INVARIANT: The caller ensures what the invariants say.
        // SAFETY: The reference is valid.
        unsafe { &*core::ptr::from_ref(dev).cast() }
    }

    /// The device as C names it.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::device {
        // CAST: `Device` is transparent to `struct device`.
        core::ptr::from_ref(&self.0)
            .cast::<bindings::device>()
            .cast_mut()
    }

    /// The region that the device is part of.
    #[inline]
    pub fn region(&self) -> &Region {
        // SAFETY: By the type invariants the parent is a region; a device keeps its parent.
        unsafe { Region::of_device((*self.as_raw()).parent) }
    }

    /// The NUMA node that is closest, or -1.
    pub fn numa_node(&self) -> i32 {
        // SAFETY: The device is valid.
        unsafe { bindings::dev_to_node(self.as_raw()) }
    }

    /// What kind of device this is.
    pub fn personality(&self) -> Personality<'_> {
        // SAFETY: The functions take any device on the bus. Each conversion is made of a device
        // for which its predicate holds.
        unsafe {
            if bindings::is_nd_btt(self.as_raw()) {
                Personality::Btt(Btt::from_raw(bindings::to_nd_btt(self.as_raw())))
            } else if bindings::is_nd_pfn(self.as_raw()) {
                Personality::Pfn(Pfn::from_raw(bindings::to_nd_pfn(self.as_raw())))
            } else {
                Personality::Raw
            }
        }
    }

    /// Whether a raw namespace is mapped with `struct page`s.
    pub fn should_map_pages(&self) -> bool {
        // SAFETY: The function takes any namespace or personality.
        unsafe { bindings::pmem_should_map_pages(self.as_raw()) }
    }

    /// Repairs the `bytes` bytes at `start` that have failed.
    ///
    /// Returns how many bytes from `start` on were repaired. Fails as the firmware says. May sleep.
    pub fn clear_poison(&self, start: PhysAddr, bytes: u32) -> Result<u32> {
        // SAFETY: The function takes any device below a bus.
        let cleared = unsafe { bindings::nvdimm_clear_poison(self.as_raw(), start.0, bytes) };
        match u32::try_from(cleared) {
            Ok(cleared) => Ok(cleared.min(bytes)),
            Err(_) => Err(Error::from_errno(cleared as i32)),
        }
    }
}

impl Device<Bound> {
    /// Makes `disk`, a child of this device, read-only or writable as the region is.
    pub fn revalidate_read_only<T: Operations>(&self, disk: &LiveDisk<T>) {
        // SAFETY: The disk is valid, and its parent is a device whose parent is a region, if it is
        // a child of this one.
        unsafe { bindings::nvdimm_check_and_set_ro(disk.as_raw()) };
    }

    /// Finds the namespace that the device is, or that it is the personality of.
    ///
    /// Only for `probe`. Fails with `EBUSY` if the namespace has a driver itself, `ENXIO` if
    /// somebody else claims it, `EACCES` if it is locked, `ENODEV` if it is not set up or too
    /// small, and `EOPNOTSUPP` if it is not aligned for `struct page`s. May sleep.
    pub fn namespace(&self) -> Result<&Namespace> {
        // SAFETY: The device is a namespace or personality by the type invariants.
        let ns = from_err_ptr(unsafe { bindings::nvdimm_namespace_common_probe(self.as_raw()) })?;
        // SAFETY: The namespace is the device itself or is claimed by it, which holds a reference
        // for as long as the claim lasts; that is not given up while the device is bound.
        Ok(unsafe { Namespace::from_raw(ns) })
    }

    /// Looks for the info block of a `btt` in the namespace, which must be enabled.
    ///
    /// If there is one, its personality is created to claim the namespace. Otherwise fails, mostly
    /// with `ENODEV`.
    pub fn probe_btt(&self, ns: &Namespace) -> Result {
        // SAFETY: `ns` is the namespace of the device.
        to_result(unsafe { bindings::nd_btt_probe(self.as_raw(), ns.as_raw()) })
    }

    /// Looks for the info block of a `pfn`, as [`Self::probe_btt`].
    ///
    /// Fails with `EOPNOTSUPP` if there is one that this kernel cannot use.
    pub fn probe_pfn(&self, ns: &Namespace) -> Result {
        // SAFETY: As in `probe_btt`.
        to_result(unsafe { bindings::nd_pfn_probe(self.as_raw(), ns.as_raw()) })
    }

    /// Looks for the info block of a `dax`, as [`Self::probe_pfn`].
    pub fn probe_dax(&self, ns: &Namespace) -> Result {
        // SAFETY: As in `probe_btt`.
        to_result(unsafe { bindings::nd_dax_probe(self.as_raw(), ns.as_raw()) })
    }
}

impl<Ctx: DeviceContext> AsRef<device::Device<Ctx>> for Device<Ctx> {
    #[inline]
    fn as_ref(&self) -> &device::Device<Ctx> {
        &self.0
    }
}

// SAFETY: `Device` is transparent to `device::Device`, in which the context is only a marker.
kernel::impl_device_context_deref!(unsafe { Device });
kernel::impl_device_context_into_aref!(Device);

// SAFETY: A device is reference counted.
unsafe impl AlwaysRefCounted for Device {
    fn inc_ref(&self) {
        // SAFETY: The device is valid.
        unsafe { bindings::get_device(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // CAST: `Self` is transparent to `struct device`.
        // SAFETY: The caller gives up a reference that it holds.
        unsafe { bindings::put_device(obj.cast().as_ptr()) };
    }
}

// SAFETY: A device may be released by any thread.
unsafe impl Send for Device {}
// SAFETY: What can be done with a shared device may be done by several threads.
unsafe impl Sync for Device {}

// SPDX-License-Identifier: GPL-2.0

//! The namespace of a device that is probed, and raw access to it.

use super::{
    device::NdDevice,
    namespace::Namespace, //
};
use crate::{
    bindings,
    memremap::{
        self,
        Claimed, //
    }, //
};
use core::ops::Deref;
use kernel::{
    device::{
        Bound,
        Core, //
    },
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*, //
};

/// The namespace that a device is, or that it is the personality of.
///
/// # Invariants
///
/// `ns` is the namespace `dev`, or `dev` is a personality that claims `ns`. While `dev` is bound it
/// keeps the claim, and with it a reference to the namespace.
///
/// # Examples
///
/// ```
/// use kernel::{device::Core, prelude::*};
/// use kernel_ext::nvdimm::NdDevice;
///
/// fn is_btt(dev: &NdDevice<Core<'_>>) -> Result<bool> {
///     let ns = dev.namespace()?;
///     let enabled = ns.enable()?;
///     Ok(enabled.probe_btt().is_ok())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct OwnNamespace<'a> {
    ns: &'a Namespace,
    dev: &'a NdDevice<Bound>,
}

impl NdDevice<Core<'_>> {
    /// Finds the namespace that the device is, or that it is the personality of.
    ///
    /// Only for `probe`. Fails with `EBUSY` if the namespace has a driver itself, `ENXIO` if
    /// another device claims it, `EACCES` if it is locked, `ENODEV` if it is not set up or too
    /// small, and `EOPNOTSUPP` if it is not aligned for `struct page`s. May sleep.
    pub fn namespace(&self) -> Result<OwnNamespace<'_>> {
        // SAFETY: By its type invariants the device is a namespace or a personality.
        let ns = from_err_ptr(unsafe { bindings::nvdimm_namespace_common_probe(self.as_raw()) })?;
        // INVARIANT: The function returns the device itself, or the namespace that it claims. A
        // claim ends only when the personality is destroyed or, unbound, told to through sysfs.
        Ok(OwnNamespace {
            // SAFETY:
            // - The driver's `TYPES` are the kinds `io` and `pmem`, as are the namespaces of
            //   personalities.
            // - The device has a reference to the namespace as long as it is bound, and is bound as
            //   long as `self` is borrowed.
            ns: unsafe { Namespace::from_raw(ns) },
            dev: self,
        })
    }
}

impl<'a> OwnNamespace<'a> {
    /// Enables raw access, by which info blocks are read; also maps the first
    /// `nd_info_block_reserve()` bytes. May sleep.
    ///
    /// Raw access ends when the result is dropped, at the latest when the device is unbound.
    pub fn enable(self) -> Result<Enabled<'a>> {
        // SAFETY:
        // - The device is bound as its type says, so managed resources of it end with that.
        // - By the type invariants the namespace is that of the device, so no other driver uses it.
        to_result(unsafe {
            bindings::devm_namespace_enable(
                self.dev.as_raw(),
                self.ns.as_raw(),
                bindings::nd_info_block_reserve().into(),
            )
        })?;
        // INVARIANT: Just enabled.
        Ok(Enabled(self))
    }

    /// Claims the memory of the namespace in `/proc/iomem`, for as long as the device is bound.
    ///
    /// Fails with `EBUSY` if a part of it is in use.
    pub fn request_region(self) -> Result<Claimed<'a>> {
        // SAFETY:
        // - By the type invariants the namespace, and so its name, outlives the binding.
        // - libnvdimm does not rename its devices.
        unsafe { memremap::request_region(self.dev.as_ref(), self.ns.range()?, self.ns.name()) }
    }
}

impl Deref for OwnNamespace<'_> {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        self.ns
    }
}

/// Raw access to a namespace; see [`OwnNamespace::enable`].
///
/// # Invariants
///
/// `devm_namespace_enable()` has enabled the namespace for the device, which is bound.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::nvdimm::OwnNamespace;
///
/// fn has_info_block(ns: OwnNamespace<'_>) -> Result<bool> {
///     let enabled = ns.enable()?;
///     Ok(enabled.probe_pfn().is_ok() || enabled.probe_dax().is_ok())
/// }
/// ```
#[must_use = "raw access ends when this is dropped"]
pub struct Enabled<'a>(OwnNamespace<'a>);

impl Enabled<'_> {
    /// The namespace as C names it.
    pub(super) fn as_raw(&self) -> *mut bindings::nd_namespace_common {
        self.0.ns.as_raw()
    }

    /// Looks for the info block of a `btt` in the namespace.
    ///
    /// If there is one, its personality is created to claim the namespace. Otherwise fails, mostly
    /// with `ENODEV`. May sleep.
    pub fn probe_btt(&self) -> Result {
        // SAFETY:
        // - By the type invariants of `OwnNamespace` the namespace is that of the device.
        // - By the type invariants it is enabled, so that it can be read.
        to_result(unsafe { bindings::nd_btt_probe(self.0.dev.as_raw(), self.as_raw()) })
    }

    /// Looks for the info block of a `pfn`, as [`Self::probe_btt`].
    ///
    /// Fails with `EOPNOTSUPP` if there is one that this kernel cannot use.
    pub fn probe_pfn(&self) -> Result {
        // SAFETY:
        // - By the type invariants of `OwnNamespace` the namespace is that of the device.
        // - By the type invariants it is enabled, so that it can be read.
        to_result(unsafe { bindings::nd_pfn_probe(self.0.dev.as_raw(), self.as_raw()) })
    }

    /// Looks for the info block of a `dax`, as [`Self::probe_pfn`].
    pub fn probe_dax(&self) -> Result {
        // SAFETY:
        // - By the type invariants of `OwnNamespace` the namespace is that of the device.
        // - By the type invariants it is enabled, so that it can be read.
        to_result(unsafe { bindings::nd_dax_probe(self.0.dev.as_raw(), self.as_raw()) })
    }

    /// Leaves the end of raw access to the unbinding, or to the probe that fails.
    ///
    /// For a caller of C code that enables more of the namespace and may fail before or after it
    /// has done so: only devres knows then how much there is to disable.
    pub fn leave_to_unbinding(self) {
        core::mem::forget(self);
    }
}

impl Drop for Enabled<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the device is bound and has enabled the namespace.
        unsafe { bindings::devm_namespace_disable(self.0.dev.as_raw(), self.0.ns.as_raw()) };
    }
}

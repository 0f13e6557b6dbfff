// SPDX-License-Identifier: GPL-2.0

//! Personalities: the devices that claim a namespace because of its info block.

use super::{
    device::NdDevice,
    namespace::Namespace,
    own_namespace::Enabled, //
};
use crate::{
    badblocks::BadBlocks,
    bindings,
    memremap::{
        MemoryFailure,
        PageMap, //
    },
    units::PhysRange, //
};
use kernel::{
    device::Core,
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// The kind of device that a driver for namespaces is bound to.
///
/// # Examples
///
/// ```
/// use kernel_ext::nvdimm::Personality;
///
/// fn is_raw(personality: Personality<'_>) -> bool {
///     matches!(personality, Personality::Raw)
/// }
/// ```
pub enum Personality<'a> {
    /// The namespace itself.
    Raw,
    /// Sectors that are written atomically.
    Btt(&'a NdBtt),
    /// Memory for the `struct page`s of filesystem DAX.
    Pfn(&'a NdPfn),
}

impl NdDevice<Core<'_>> {
    /// The kind of the device.
    pub fn personality(&self) -> Personality<'_> {
        // SAFETY:
        // - By the type invariants this is a device on the nvdimm bus; the predicates take any.
        // - Each conversion is made of a device for which its predicate holds.
        // - The structures live as long as the device, which `self` borrows, and the bus holds the
        //   lock of the device as `Core` says.
        unsafe {
            if bindings::is_nd_btt(self.as_raw()) {
                Personality::Btt(NdBtt::from_raw(bindings::to_nd_btt(self.as_raw())))
            } else if bindings::is_nd_pfn(self.as_raw()) {
                Personality::Pfn(NdPfn::from_raw(bindings::to_nd_pfn(self.as_raw())))
            } else {
                Personality::Raw
            }
        }
    }
}

/// The personality of a namespace whose sectors are written atomically.
///
/// # Invariants
///
/// A `struct nd_btt` whose device has a reference and is locked by the bus.
///
/// # Examples
///
/// ```
/// use kernel::{device::Core, prelude::*};
/// use kernel_ext::nvdimm::{NdDevice, Personality};
///
/// fn probe(dev: &NdDevice<Core<'_>>) -> Result {
///     let ns = dev.namespace()?;
///     match dev.personality() {
///         Personality::Btt(btt) => btt.attach(&ns),
///         _ => Err(ENODEV),
///     }
/// }
/// ```
#[repr(transparent)]
pub struct NdBtt(Opaque<bindings::nd_btt>);

impl NdBtt {
    /// Takes a personality of libnvdimm.
    ///
    /// # Safety
    ///
    /// - `btt` must lead to a `struct nd_btt` whose device has a reference for the lifetime `'a`.
    /// - The bus must hold the lock of the device for `'a`.
    pub(super) unsafe fn from_raw<'a>(btt: *mut bindings::nd_btt) -> &'a Self {
        // CAST: `Self` is transparent to the C structure.
        // INVARIANT: The conditions of this function are the invariants.
        // SAFETY: The reference that the caller holds keeps the structure for `'a`.
        unsafe { &*btt.cast() }
    }

    /// The namespace that is claimed, or NULL.
    fn namespace(&self) -> *mut bindings::nd_namespace_common {
        // SAFETY: By the type invariants the structure is there, and the lock of the device, under
        // which the claim changes, is held.
        unsafe { (*self.0.get()).ndns }
    }

    /// Makes the disk with atomic sectors from the namespace `ns`. May sleep.
    ///
    /// Fails with `EINVAL` if the personality does not claim `ns`, with `ENODEV` if it is not set
    /// up, or as reading the namespace does.
    pub fn attach(&self, ns: &Namespace) -> Result {
        if self.namespace() != ns.as_raw() {
            return Err(EINVAL);
        }
        // SAFETY:
        // - The namespace is valid by its type invariants.
        // - This `btt` claims it, as just checked; the function takes it from the claim.
        to_result(unsafe { bindings::nvdimm_namespace_attach_btt(ns.as_raw()) })
    }

    /// Removes the disk that [`NdBtt::attach`] has made. May sleep.
    pub fn detach(&self) {
        // SAFETY: By the type invariants this is a `struct nd_btt`, whose device is locked. The
        // function takes one that was not attached, and always returns 0.
        unsafe { bindings::nvdimm_namespace_detach_btt(self.0.get()) };
    }

    /// The bad sectors that the disk avoids, and the memory that they are counted in. [`None`]
    /// unless there is a disk.
    pub fn bad_blocks(&self) -> Option<(&BadBlocks, PhysRange)> {
        let ns = self.namespace();
        // SAFETY: By the type invariants the structure is there, and the lock of the device, under
        // which the disk comes and goes, is held.
        let is_attached = unsafe { !(*self.0.get()).btt.is_null() };
        if ns.is_null() || !is_attached {
            return None;
        }
        // SAFETY:
        // - libnvdimm lets a `btt` claim namespaces of the kinds `io` and `pmem` only.
        // - The claim holds a reference to the namespace, and lasts while `self`, whose device is
        //   locked, is borrowed.
        let ns = unsafe { Namespace::from_raw(ns) };
        // SAFETY: There is a disk, as checked above. `nvdimm_namespace_attach_btt()` made it after
        // `devm_namespace_enable()`, which initialises the list for as long as the device is bound;
        // the lock of the device, held by the type invariants, keeps it bound.
        Some((unsafe { ns.bad_blocks() }, ns.range().ok()?))
    }

    /// Makes the disk read-only if the region is now, or says that it is read-only if the region
    /// is not any more. Does nothing without a disk.
    pub fn revalidate_read_only(&self) {
        // SAFETY:
        // - By the type invariants the structure is there, and the lock of the device, under which
        //   the disk comes and goes, is held.
        // - The disk of a `btt` is a child of its device, whose parent is the device of a region.
        unsafe {
            let btt = (*self.0.get()).btt;
            if !btt.is_null() {
                bindings::nvdimm_check_and_set_ro((*btt).btt_disk);
            }
        }
    }
}

/// The personality of a namespace that holds the `struct page`s for filesystem DAX.
///
/// # Invariants
///
/// A `struct nd_pfn` whose device has a reference and is locked by the bus.
///
/// # Examples
///
/// ```
/// use core::pin::Pin;
/// use kernel::prelude::*;
/// use kernel_ext::{
///     memremap::{MemoryFailure, PageMap},
///     nvdimm::{Enabled, NdPfn},
/// };
///
/// fn data_offset<F: MemoryFailure>(
///     pfn: &NdPfn,
///     enabled: &Enabled<'_>,
///     mut map: Pin<KBox<PageMap<F>>>,
/// ) -> Result<u64> {
///     pfn.setup(enabled, map.as_mut())
/// }
/// ```
#[repr(transparent)]
pub struct NdPfn(Opaque<bindings::nd_pfn>);

impl NdPfn {
    /// Takes a personality of libnvdimm.
    ///
    /// # Safety
    ///
    /// - `pfn` must lead to a `struct nd_pfn` whose device has a reference for the lifetime `'a`.
    /// - The bus must hold the lock of the device for `'a`.
    pub(super) unsafe fn from_raw<'a>(pfn: *mut bindings::nd_pfn) -> &'a Self {
        // CAST: `Self` is transparent to the C structure.
        // INVARIANT: The conditions of this function are the invariants.
        // SAFETY: The reference that the caller holds keeps the structure for `'a`.
        unsafe { &*pfn.cast() }
    }

    /// Validates the info block, or writes a first one, and fills `map` from it.
    ///
    /// Returns the number of bytes at the start of the map that do not hold data. Fails with
    /// `EINVAL` if the namespace that is enabled is not the one that the personality claims. May
    /// sleep.
    pub fn setup<F: MemoryFailure>(
        &self,
        enabled: &Enabled<'_>,
        map: Pin<&mut PageMap<F>>,
    ) -> Result<u64> {
        // SAFETY: By the type invariants the structure is there, and the lock of the device, under
        // which the claim changes, is held.
        if unsafe { (*self.0.get()).ndns } != enabled.as_raw() {
            return Err(EINVAL);
        }
        // SAFETY:
        // - By the type invariants this is a `struct nd_pfn`; the namespace that it claims is
        //   enabled, as just checked, so that it can be read.
        // - The closure gets a map that is initialized and not in use. The function sets its range
        //   and, where the info block says so, an `altmap` inside of the namespace.
        unsafe {
            map.fill_with(|map| to_result(bindings::nvdimm_setup_pfn(self.0.get(), map)))?;
        }
        // SAFETY: By the type invariants the structure is there. A device that has been set up has
        // an info block, which stays as it is while the device is bound.
        Ok(u64::from_le(unsafe { (*(*self.0.get()).pfn_sb).dataoff }))
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Personalities: what a namespace is made into by its info block.

use super::Namespace;
use crate::{
    bindings,
    memremap::{
        MemoryFailure,
        PageMap, //
    }, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// What kind of device a driver for namespaces is bound to.
pub enum Personality<'a> {
    /// The namespace itself.
    Raw,
    /// Sectors that are written atomically.
    Btt(&'a Btt),
    /// Memory for the `struct page`s of filesystem DAX.
    Pfn(&'a Pfn),
}

/// The personality of a namespace whose sectors are written atomically.
///
/// # Invariants
///
/// A `struct nd_btt` which is valid.
#[repr(transparent)]
pub struct Btt(Opaque<bindings::nd_btt>);

impl Btt {
    /// # Safety
    ///
    /// `btt` must be valid for the lifetime `'a`.
    pub(super) unsafe fn from_raw<'a>(btt: *mut bindings::nd_btt) -> &'a Self {
        // CAST: `Self` is transparent to the C structure.
        // SAFETY: The caller ensures that it is valid.
        unsafe { &*btt.cast() }
    }

    /// The namespace that is claimed, if any.
    pub fn namespace(&self) -> Option<&Namespace> {
        // SAFETY: By the type invariants. The claim lasts while a driver is bound, and with it a
        // reference to the namespace.
        unsafe {
            let ns = (*self.0.get()).ndns;
            (!ns.is_null()).then(|| Namespace::from_raw(ns))
        }
    }

    /// Takes back what [`Namespace::attach_btt`] did. May sleep.
    pub fn detach(&self) {
        // SAFETY: By the type invariants. The function copes with a device that was not attached,
        // and cannot fail.
        unsafe { bindings::nvdimm_namespace_detach_btt(self.0.get()) };
    }

    /// Makes the disk read-only if the region is now, or says that it is read-only if the region
    /// is not any more.
    pub fn revalidate_read_only(&self) {
        // SAFETY: By the type invariants. A `btt` that is attached has a disk.
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
/// A `struct nd_pfn` which is valid.
#[repr(transparent)]
pub struct Pfn(Opaque<bindings::nd_pfn>);

impl Pfn {
    /// # Safety
    ///
    /// `pfn` must be valid for the lifetime `'a`.
    pub(super) unsafe fn from_raw<'a>(pfn: *mut bindings::nd_pfn) -> &'a Self {
        // CAST: `Self` is transparent to the C structure.
        // SAFETY: The caller ensures that it is valid.
        unsafe { &*pfn.cast() }
    }

    /// Validates the info block, or writes a first one, and fills `map` with what it says.
    ///
    /// The namespace must be enabled. Returns the number of bytes at the start of the map that do
    /// not hold data. May sleep.
    pub fn setup<F: MemoryFailure>(&self, map: Pin<&mut PageMap<F>>) -> Result<u64> {
        // SAFETY: Both are valid by their type invariants.
        to_result(unsafe { bindings::nvdimm_setup_pfn(self.0.get(), map.as_raw()) })?;
        // SAFETY: By the type invariants. A device that has been set up has an info block, which
        // does not change while it is bound.
        Ok(u64::from_le(unsafe { (*(*self.0.get()).pfn_sb).dataoff }))
    }
}

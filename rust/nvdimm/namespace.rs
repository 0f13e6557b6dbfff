// SPDX-License-Identifier: GPL-2.0

//! Namespaces: the parts of a region that drivers use.

use super::Device;
use crate::{
    badblocks::BadBlocks,
    bindings,
    block::disk::{
        Disk,
        Operations, //
    },
    memremap,
    units::{
        PhysAddr,
        PhysRange, //
    }, //
};
use kernel::{
    device::Bound,
    error::to_result,
    prelude::*,
    str::CStr,
    types::Opaque, //
};

/// A namespace of persistent memory, of the kind `io` or `pmem`.
///
/// # Invariants
///
/// Embedded in a `struct nd_namespace_io` which is valid.
#[repr(transparent)]
pub struct Namespace(Opaque<bindings::nd_namespace_common>);

impl Namespace {
    /// Takes a namespace that C knows.
    ///
    /// # Safety
    ///
    /// `ns` must be a namespace of the kind `io` or `pmem`, valid for the lifetime `'a`.
    pub(super) unsafe fn from_raw<'a>(ns: *mut bindings::nd_namespace_common) -> &'a Self {
        // CAST: `Self` is transparent to the C structure.
        // SAFETY: The caller ensures that it is valid.
        unsafe { &*ns.cast() }
    }

    /// The namespace as C names it.
    pub fn as_raw(&self) -> *mut bindings::nd_namespace_common {
        self.0.get()
    }

    /// The structure around, which holds the memory range (`to_nd_namespace_io()`).
    fn io(&self) -> *mut bindings::nd_namespace_io {
        // CAST: `common` is the first member.
        const _: () = assert!(core::mem::offset_of!(bindings::nd_namespace_io, common) == 0);
        self.as_raw().cast()
    }

    /// The device of the namespace itself.
    fn device(&self) -> &kernel::device::Device {
        // SAFETY: The namespace is valid by the type invariants, and so is its device.
        unsafe { kernel::device::Device::from_raw(&raw mut (*self.as_raw()).dev) }
    }

    /// The physical memory of the namespace; fails with `ENXIO` if it has none.
    pub fn range(&self) -> Result<PhysRange> {
        // SAFETY: By the type invariants. The range does not change while a driver is bound.
        let (start, end) = unsafe { ((*self.io()).res.start, (*self.io()).res.end) };
        PhysRange::new(PhysAddr(start), PhysAddr(end)).ok_or(ENXIO)
    }

    /// The name of the device of the namespace.
    pub fn name(&self) -> &CStr {
        self.device().name()
    }

    /// The size of a sector that the label of the namespace asks for, in bytes.
    pub fn sector_size(&self) -> u32 {
        // SAFETY: By the type invariants.
        unsafe { bindings::pmem_sector_size(self.as_raw()) }
    }

    /// The bad sectors that raw access to the namespace avoids.
    pub fn bad_blocks(&self) -> &BadBlocks {
        // CAST: `BadBlocks` is transparent to the C structure.
        // SAFETY: By the type invariants. The list is initialized while the namespace is enabled,
        // and a list of zeros is an empty one.
        unsafe { &*(&raw const (*self.io()).bb).cast() }
    }

    /// Enables raw access, by which info blocks are read; also maps the first
    /// `nd_info_block_reserve()` bytes. May sleep.
    ///
    /// Ends when the result is dropped, at the latest when `dev` is unbound.
    pub fn enable<'a>(&'a self, dev: &'a Device<Bound>) -> Result<Enabled<'a>> {
        // SAFETY: The device is bound and uses the namespace.
        to_result(unsafe {
            bindings::devm_namespace_enable(
                dev.as_raw(),
                self.as_raw(),
                bindings::nd_info_block_reserve().into(),
            )
        })?;
        Ok(Enabled { ns: self, dev })
    }

    /// Claims the memory of the namespace in `/proc/iomem`, for as long as `dev` is bound.
    ///
    /// Fails with `EBUSY` if a part of it is in use.
    pub fn request_region(&self, dev: &Device<Bound>) -> Result {
        // SAFETY: The namespace is `dev` or claimed by it, so that it outlives the binding, and a
        // device on the bus is not renamed.
        unsafe { memremap::request_region(dev.as_ref(), self.range()?, self.name()) }
    }

    /// Gives `disk` the name that belongs to the namespace, such as `pmem0`.
    pub fn name_disk<T: Operations>(&self, disk: &mut Disk<T>) {
        // C writes "pmem", two numbers of up to 10 digits, a dot, and a suffix of one character.
        const { assert!(bindings::DISK_NAME_LEN > 4 + 10 + 1 + 10 + 1) };
        // SAFETY: There is room for that, and it ends in NUL.
        unsafe {
            disk.name_with(|name| {
                bindings::nvdimm_namespace_disk_name(self.as_raw(), name.cast());
            })
        };
    }

    /// Hands the namespace to the `btt` that claims it. May sleep.
    pub fn attach_btt(&self) -> Result {
        // SAFETY: By the type invariants; the function checks that a `btt` claims the namespace.
        to_result(unsafe { bindings::nvdimm_namespace_attach_btt(self.as_raw()) })
    }
}

/// Raw access to a namespace; see [`Namespace::enable`].
#[must_use = "raw access ends when this is dropped"]
pub struct Enabled<'a> {
    ns: &'a Namespace,
    dev: &'a Device<Bound>,
}

impl Enabled<'_> {
    /// Leaves the end of raw access to the unbinding, or to the probe that fails.
    ///
    /// For who has handed the namespace to C code that enables more of it, which fails with nothing
    /// enabled or with something: then nobody but devres knows what there is to disable.
    pub fn leave_to_unbinding(self) {
        core::mem::forget(self);
    }
}

impl Drop for Enabled<'_> {
    fn drop(&mut self) {
        // SAFETY: The device is still bound, and has enabled the namespace.
        unsafe { bindings::devm_namespace_disable(self.dev.as_raw(), self.ns.as_raw()) };
    }
}

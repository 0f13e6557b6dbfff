// SPDX-License-Identifier: GPL-2.0

//! Namespaces: the parts of a region that drivers use.

use crate::{
    badblocks::BadBlocks,
    bindings,
    block::disk::{
        Disk,
        Operations, //
    },
    units::{
        PhysAddr,
        PhysRange, //
    }, //
};
use kernel::{
    prelude::*,
    str::CStr,
    types::Opaque, //
};

/// A namespace of persistent memory, of the kind `io` or `pmem`.
///
/// # Invariants
///
/// This is the member `common` of a `struct nd_namespace_io` whose device has a reference.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::nvdimm::Namespace;
///
/// fn sectors(ns: &Namespace) -> Result<u64> {
///     Ok(ns.range()?.bytes() / u64::from(ns.sector_size()))
/// }
/// ```
#[repr(transparent)]
pub struct Namespace(Opaque<bindings::nd_namespace_common>);

impl Namespace {
    /// Takes a namespace of libnvdimm.
    ///
    /// # Safety
    ///
    /// - `ns` must be a namespace of the kind `io` or `pmem`.
    /// - A reference to its device must be held for the lifetime `'a`.
    pub(super) unsafe fn from_raw<'a>(ns: *mut bindings::nd_namespace_common) -> &'a Self {
        // CAST: `Self` is transparent to the C structure.
        // INVARIANT: The conditions of this function are the invariants.
        // SAFETY: The reference that the caller holds keeps the structure for `'a`.
        unsafe { &*ns.cast() }
    }

    /// The namespace as C names it.
    pub(super) fn as_raw(&self) -> *mut bindings::nd_namespace_common {
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
        // SAFETY: By the type invariants the device, which is part of the structure, has a
        // reference for as long as `self` is borrowed.
        unsafe { kernel::device::Device::from_raw(&raw mut (*self.as_raw()).dev) }
    }

    /// The physical memory of the namespace; fails with `ENXIO` if it has none.
    pub fn range(&self) -> Result<PhysRange> {
        // SAFETY:
        // - By the type invariants this is part of a `struct nd_namespace_io`.
        // - libnvdimm changes the range only of a namespace that no driver uses.
        let (start, end) = unsafe { ((*self.io()).res.start, (*self.io()).res.end) };
        PhysRange::new(PhysAddr(start), PhysAddr(end)).ok_or(ENXIO)
    }

    /// The name of the device of the namespace.
    pub(super) fn name(&self) -> &CStr {
        self.device().name()
    }

    /// The size of a sector that the label of the namespace asks for, in bytes.
    pub fn sector_size(&self) -> u32 {
        // SAFETY: By the type invariants this is a namespace of a kind that the function takes.
        unsafe { bindings::pmem_sector_size(self.as_raw()) }
    }

    /// The bad sectors that raw access to the namespace avoids.
    ///
    /// # Safety
    ///
    /// The namespace must be enabled while the result is borrowed.
    pub(super) unsafe fn bad_blocks(&self) -> &BadBlocks {
        // CAST: `BadBlocks` is transparent to the C structure.
        // SAFETY:
        // - By the type invariants this is part of a `struct nd_namespace_io`.
        // - The list is initialized, which `devm_namespace_enable()` has done.
        unsafe { &*(&raw const (*self.io()).bb).cast() }
    }

    /// Gives `disk` the name that belongs to the namespace, such as `pmem0`.
    pub fn name_disk<T: Operations>(&self, disk: &mut Disk<T>) {
        // C writes "pmem", two numbers of up to 10 digits, a dot, and a suffix of one character.
        const { assert!(bindings::DISK_NAME_LEN > 4 + 10 + 1 + 10 + 1) };
        // SAFETY:
        // - The function writes a C string that is no longer than what was just asserted.
        // - By the type invariants this is a namespace.
        unsafe {
            disk.name_with(|name| {
                bindings::nvdimm_namespace_disk_name(self.as_raw(), name.cast());
            })
        };
    }
}

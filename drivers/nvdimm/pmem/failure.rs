// SPDX-License-Identifier: GPL-2.0

//! What happens when the hardware reports that memory of a device has failed.

use super::device::PmemDevice;
use kernel::{
    ffi::c_int,
    prelude::*,
    sync::{
        Arc,
        SetOnce, //
    }, //
};
use kernel_ext::{
    error::eopnotsupp,
    memremap::MemoryFailure,
    units::PhysAddr, //
};

/// Leads from the mapping of the memory to the device, which is made later.
///
/// The mapping keeps the device until it is gone itself, so a failure that is handled while the
/// driver is being unbound finds everything that it needs.
pub(crate) struct Link(SetOnce<Arc<PmemDevice>>);

impl Link {
    /// A link to nothing yet.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Self(SetOnce::new()), GFP_KERNEL)?)
    }

    /// From now on failures concern `pmem`.
    pub(crate) fn set(&self, pmem: Arc<PmemDevice>) {
        self.0.populate(pmem);
    }
}

/// Tells the filesystem on a device of memory that failed.
pub(crate) struct Handler(pub(crate) Arc<Link>);

impl MemoryFailure for Handler {
    fn memory_failure(&self, start: PhysAddr, bytes: u64, mf_flags: c_int) -> Result {
        // Before there is a DAX device, no filesystem has the memory.
        let pmem = self.0 .0.as_ref().ok_or_else(eopnotsupp)?;
        let dax = pmem.dax.as_ref().ok_or_else(eopnotsupp)?;
        let at = pmem.geometry().find(start).ok_or(ENXIO)?;
        dax.notify_failure(at.0, bytes, mf_flags)
    }
}

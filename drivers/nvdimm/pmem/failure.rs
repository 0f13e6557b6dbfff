// SPDX-License-Identifier: GPL-2.0

//! The way of a report that memory of a device has failed to the filesystem on it.

use super::geometry::Geometry;
use kernel::{
    ffi::c_int,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        SetOnce, //
    }, //
};
use kernel_ext::{
    dax::DaxDevice,
    error::eopnotsupp,
    memremap::MemoryFailure,
    units::PhysAddr, //
};

/// The filesystem's side of a device, by the DAX device that it has.
struct Target {
    geometry: Geometry,
    dax: ARef<DaxDevice>,
}

/// Leads from the mapping of the memory to the DAX device, which is made later.
///
/// The mapping keeps the handler, and so the DAX device, until it is gone itself: a failure that is
/// handled while the driver is being unbound finds a device that is dead at worst.
pub(crate) struct Link(SetOnce<Target>);

impl Link {
    /// A link to no device yet.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Self(SetOnce::new()), GFP_KERNEL)?)
    }

    /// From now on reports go to `dax`, whose data lies as `geometry` says.
    pub(crate) fn set(&self, geometry: Geometry, dax: ARef<DaxDevice>) {
        self.0.populate(Target { geometry, dax });
    }
}

/// Tells the filesystem on a device of memory that failed.
pub(crate) struct Handler(pub(crate) Arc<Link>);

impl MemoryFailure for Handler {
    fn memory_failure(&self, start: PhysAddr, bytes: u64, mf_flags: c_int) -> Result {
        // Before there is a DAX device, no filesystem has the memory.
        let target = self.0 .0.as_ref().ok_or_else(eopnotsupp)?;
        let at = target.geometry.find(start).ok_or(ENXIO)?;
        target.dax.notify_failure(at.0, bytes, mf_flags)
    }
}

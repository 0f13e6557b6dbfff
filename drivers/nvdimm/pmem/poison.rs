// SPDX-License-Identifier: GPL-2.0

//! Repairing memory that has failed.
//!
//! A write to bad sectors repairs them first: the firmware clears the poison, the pages lose their
//! mark and are mapped again, and the CPU caches drop the old content. Then the sectors leave the
//! list, and the data is written. A recovery write of fs-dax leaves them in the list until the data
//! is written, so that a read of the old content still fails.

use super::{
    device::PmemDevice,
    geometry::DataOffset,
    sys::pages, //
};
use kernel::prelude::*;
use kernel_ext::units::Sectors;

/// Repairs the `len` bytes from `at` on. The repaired part leaves the list of bad sectors.
///
/// Fails with `EIO` if they are not all repaired. May sleep.
#[cold]
pub(crate) fn clear(pmem: &PmemDevice, at: DataOffset, len: u32) -> Result {
    let cleared = repair(pmem, at, len).map_err(|_| EIO)?;
    forget(pmem, at, cleared);
    if cleared < len {
        return Err(EIO);
    }
    Ok(())
}

/// Repairs the `len` bytes from `at` on; returns how many of them, from `at` on, were repaired.
///
/// They stay in the list of bad sectors until [`forget`]. Fails with `ERANGE` if they are not all
/// data, or as the firmware does. May sleep.
pub(crate) fn repair(pmem: &PmemDevice, at: DataOffset, len: u32) -> Result<u32> {
    let memory = pmem.memory.window(at, len as usize).ok_or(ERANGE)?;
    let start = pmem.memory.geometry().phys(at);
    let cleared = pmem.dev.clear_poison(start, len)?;
    if cleared > 0 {
        pages::unmark(&pmem.memory, at, cleared);
        memory.invalidate();
    }
    Ok(cleared)
}

/// Takes `bytes` bytes from `at` on out of the list of bad sectors, and wakes the tasks that poll
/// it.
pub(crate) fn forget(pmem: &PmemDevice, at: DataOffset, bytes: u32) {
    let n = Sectors::in_bytes(bytes.into());
    if n.0 == 0 {
        return;
    }
    pmem.bad_blocks.clear(at.sector(), n);
    pmem.bad_blocks_file.notify();
}

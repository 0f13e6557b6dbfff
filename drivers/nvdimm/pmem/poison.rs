// SPDX-License-Identifier: GPL-2.0

//! Repairing memory that has failed.
//!
//! A write to bad sectors repairs them: the firmware clears the poison, the pages lose their mark
//! and are mapped again, what the CPU caches still hold is dropped, the data is written, and then
//! the sectors leave the list, so that nobody reads them before.

use super::{
    device::PmemDevice,
    ffi,
    geometry::DataOffset, //
};
use kernel::prelude::*;
use kernel_ext::units::Sectors;

/// Repairs the `len` bytes from `at` on, which leave the list of bad sectors as far as it worked.
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

/// Repairs the `len` bytes from `at` on; returns how many of them, from `at` on, could be.
///
/// They stay in the list of bad sectors until [`forget`]. May sleep.
pub(crate) fn repair(pmem: &PmemDevice, at: DataOffset, len: u32) -> Result<u32> {
    let start = pmem.geometry().locate(at);
    let cleared = pmem.dev.clear_poison(pmem.phys(start), len)?;
    if cleared > 0 {
        ffi::unmark_pages(pmem, start, cleared);
        ffi::invalidate(pmem, start, len);
    }
    Ok(cleared)
}

/// Takes `bytes` bytes from `at` on out of the list of bad sectors, and tells who polls it.
pub(crate) fn forget(pmem: &PmemDevice, at: DataOffset, bytes: u32) {
    let n = Sectors::in_bytes(bytes.into());
    if n.0 == 0 {
        return;
    }
    pmem.bad_blocks.clear(at.sector(), n);
    pmem.bad_blocks_file.notify();
}

// SPDX-License-Identifier: GPL-2.0

//! Writeback: makes stores through mappings durable.
//!
//! Only `fsync()` and its like need it: the memory *is* the storage, but data that was stored there
//! may still be in the CPU caches. A dirty tag says so. It is taken away only after the caches were
//! written back while no task could store to the memory:
//!
//! ```text
//! lock the entry           a fault that would make it writable waits
//! write-protect            in all page tables: the next store faults
//! flush
//! take the tags, unlock
//! ```
//!
//! Two tasks that write back the same file share the work. Each tags the entries that are dirty
//! when it begins, and waits for the entries that the other one has locked.

use crate::{
    memory::Memory,
    slot::{
        MappingLock,
        Slot,
        UnlockedEntry, //
    },
    sys::{
        entry::Order,
        mapping::DaxMapping,
        trace, //
    },
};
use kernel::prelude::*;
use kernel_ext::{
    dax::FileDevice,
    fs::writeback::WritebackControl,
    units::{
        PageIndex,
        PAGE_SHIFT, //
    },
    warn_on_once, //
};

/// Writes back the dirty entries of the pages that `wbc` names, if the caller waits for it. Sleeps.
///
/// Fails with `EIO` if the blocks of the file are no pages, or if memory that was dirty is gone;
/// the latter also fails the next fsync() of each other open file of the inode.
pub(crate) fn write_back(
    mapping: &DaxMapping,
    device: FileDevice<'_>,
    wbc: &WritebackControl,
) -> Result {
    let inode = mapping.host();
    if warn_on_once!(inode.block_bits() != PAGE_SHIFT) {
        return Err(EIO);
    }
    if mapping.is_empty() || !wbc.is_for_integrity() {
        return Ok(());
    }
    let (first, last) = wbc.pages();
    trace::writeback_range(inode, first, last);
    mapping.tag_for_writeback(first, last);

    let mut slot = Slot::new(mapping, first, Order::Pte);
    let mut memory = Memory::of_unknown_device();
    let mut result = Ok(());
    let mut lock = slot.lock();
    while let Some(found) = lock.next_towrite(last) {
        match write_run(found, last, device, &mut memory) {
            Ok(next) => lock = next,
            Err(lost) => {
                // A hole is never dirty.
                warn_on_once!(!lost.entry().is_mapped());
                mapping.report_loss();
                result = Err(EIO);
                lock = lost.discard(&mut memory);
                lock.relax();
            }
        }
    }
    trace::writeback_range_done(inode, slot.position(), last);
    result
}

/// Writes back an entry, and neighbours if they can be done together. Gives an entry back whose
/// data is lost, because the driver has removed the memory.
#[inline]
fn write_run<'s, 'm>(
    found: UnlockedEntry<'s, 'm>,
    last: PageIndex,
    device: FileDevice<'_>,
    memory: &mut Memory<'_>,
) -> Result<MappingLock<'s, 'm>, UnlockedEntry<'s, 'm>> {
    let pages = found.entry().order().pages();
    let run = found.lock_run(last, memory)?;
    let (inode, index, count) = (run.mapping().host(), run.index(), run.len());
    let flushed = run.write_protect().flush(device);
    for i in 0..count {
        trace::writeback_one(inode, index.plus(i), pages);
    }
    let mut lock = flushed.clean();
    lock.relax_after(pages * count);
    Ok(lock)
}

// SPDX-License-Identifier: GPL-2.0

//! Writeback: what was written through mappings becomes durable.
//!
//! Only `fsync()` and its like need it: the memory *is* the storage, but what was stored there may
//! still be in the CPU caches. A dirty tag says so, and goes only after the caches have been
//! written back while nobody could write:
//!
//! ```text
//! lock the entry           a fault that wants to make it writable waits
//! write-protect            in all page tables: whoever writes from now on faults
//! flush
//! take the tags, unlock
//! ```
//!
//! Two who write back the same file share the work. Each tags what is dirty when it begins, and waits
//! for the entries that the other one has locked.

mod ffi;

use crate::{
    entry::Order,
    slot::{
        MappingLock,
        Slot,
        UnlockedEntry, //
    },
    trace, //
};
use kernel::prelude::*;
use kernel_ext::{
    dax::DaxDevice,
    fs::{
        mapping::AddressSpace,
        writeback::WritebackControl, //
    },
    memremap::Hold,
    units::{
        PageIndex,
        PAGE_SHIFT, //
    },
    warn_on_once, //
};

/// Writes back what is dirty in the pages that `wbc` names, if somebody waits for it. Sleeps.
///
/// Fails with `EIO` if the file has blocks that are no pages, or memory that was dirty is gone; the
/// latter is also recorded for others who have the file open.
pub(crate) fn write_back(
    mapping: &AddressSpace,
    device: &DaxDevice,
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
    let mut memory = Hold::nothing();
    let mut result = Ok(());
    let mut lock = slot.lock();
    while let Some(found) = lock.next_towrite(last) {
        match write_run(found, last, device, &mut memory) {
            Ok(next) => lock = next,
            Err(next) => {
                mapping.set_error(EIO);
                result = Err(EIO);
                lock = next;
                lock.relax();
            }
        }
    }
    trace::writeback_range_done(inode, slot.position(), last);
    result
}

/// Writes back an entry, and neighbours if they can be done together. The lock is given back, as an
/// error if the data of the entry is lost.
#[inline]
fn write_run<'s, 'm>(
    found: UnlockedEntry<'s, 'm>,
    last: PageIndex,
    device: &DaxDevice,
    memory: &mut Hold,
) -> Result<MappingLock<'s, 'm>, MappingLock<'s, 'm>> {
    let entry = found.entry();
    // A hole is never dirty.
    let Some(pfn) = entry.mapped_pfn() else {
        warn_on_once!(true);
        return Err(found.discard(|_, _| ()));
    };
    // Without the driver there is no memory.
    let pages = entry.order().pages();
    let Some(frames) = memory.frames_from(pfn).filter(|all| all.pages() >= pages) else {
        return Err(found.discard(|_, _| ()));
    };
    let run = found.lock_run(last, frames.pages());
    let (inode, index, count) = (run.mapping().host(), run.index(), run.len());
    let flushed = run.flush(|run| {
        let frames = frames.up_to(run.pages());
        run.mapping().lock_mappings().make_clean(index, frames);
        device.flush(frames);
    });
    for i in 0..count {
        trace::writeback_one(inode, PageIndex(index.0 + i), pages);
    }
    let mut lock = flushed.clean();
    lock.relax_after(pages * count);
    Ok(lock)
}

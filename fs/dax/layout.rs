// SPDX-License-Identifier: GPL-2.0

//! Breaking the layout of a file: before a filesystem moves, shares or frees blocks.
//!
//! Three steps, while the filesystem keeps faults out:
//!
//! 1. The pages are taken out of all page tables.
//! 2. Whoever uses one of them without a mapping (I/O in flight, registered buffers) is waited for.
//!    A new user would have to find the page in a page table.
//! 3. The entries are removed.
//!
//! What is dirty is flushed before its entry is removed, unless the data goes away with it. C forgets
//! such entries, and an fsync() that follows does not flush them. They cannot be left for the
//! fsync() to find: whoever truncates expects to find none (Documentation/fs-dax.rst).

mod detach;
mod entries;
mod ffi;
mod memory;
mod range;

pub(crate) use detach::{
    detach,
    detach_readers, //
};
pub(crate) use range::PageRange;

use crate::{
    entry::Order,
    slot::Slot, //
};
use entries::Dirty;
use kernel::prelude::*;
use kernel_ext::{
    fs::{
        inode::Inode,
        mapping::AddressSpace, //
    },
    memremap::Frames,
    units::Pfn, //
};
use memory::Memory;

/// Breaks the layout of `range`.
///
/// While a page is in use, `sleep` is called again and again, to give up the locks of the filesystem,
/// sleep and take the locks again. Without it the error is `ERESTARTSYS`, as it is for a signal; the
/// pages are unmapped then, and the entries still there.
///
/// The caller holds a lock that keeps faults out, and `sleep` must leave it held. Sleeps.
pub(crate) fn break_layout(
    inode: &Inode,
    range: PageRange,
    mut sleep: Option<impl FnMut()>,
) -> Result {
    let mapping = inode.mapping();
    if !mapping.is_dax() {
        return Ok(());
    }
    let mut memory = Memory::of(inode);
    while let Some(busy) = unmap_and_find_busy(mapping, range, &mut memory) {
        let sleep = sleep.as_mut().ok_or(ERESTARTSYS)?;
        busy.folio().wait_until_idle_interruptible(sleep)?;
    }
    entries::remove_range(mapping, range, &mut memory, Dirty::in_file(mapping));
    Ok(())
}

/// Breaks the layout of a file whose inode is being evicted. Sleeps until nobody uses a page.
pub(crate) fn break_layout_final(inode: &Inode) {
    let mapping = inode.mapping();
    if !mapping.is_dax() {
        return;
    }
    let mut memory = Memory::of_unknown_device();
    while let Some(busy) = unmap_and_find_busy(mapping, PageRange::ALL, &mut memory) {
        busy.folio().wait_until_idle();
    }
    let dirty = if inode.is_linked() {
        Dirty::in_file(mapping)
    } else {
        // The blocks are freed with the inode.
        Dirty::Discard
    };
    entries::remove_range(mapping, PageRange::ALL, &mut memory, dirty);
}

/// Takes the pages of `range` out of all page tables, and finds the first that somebody uses. Sleeps.
///
/// Who is looking for a page without locks (`get_user_pages_fast()`) at the same time either has its
/// reference by now, and is found; or sees that the page has gone from the page table, drops the
/// reference and takes the way of the page fault, which the caller keeps shut.
pub(crate) fn unmap_and_find_busy<'h>(
    mapping: &AddressSpace,
    range: PageRange,
    memory: &'h mut Memory<'_>,
) -> Option<Frames<'h>> {
    mapping.unmap_pages(range.first(), range.pages_or_all());
    let (pfn, order) = find_busy(mapping, range, memory)?;
    memory.frames(pfn, order.pages())
}

fn find_busy(
    mapping: &AddressSpace,
    range: PageRange,
    memory: &mut Memory<'_>,
) -> Option<(Pfn, Order)> {
    let mut slot = Slot::new(mapping, range.first(), Order::Pte);
    let mut lock = slot.lock();
    while let Some(found) = lock.next(range.last()) {
        let order = found.entry().order();
        let unmapped = range.covers(found.index(), order.pages());
        // Memory that is gone is not in use.
        if let Some(pfn) = found.entry().mapped_pfn() {
            let frames = memory.frames(pfn, order.pages());
            if frames.is_some_and(|frames| match unmapped {
                true => frames.folio().is_busy_unmapped(),
                false => frames.folio().is_busy(),
            }) {
                return Some((pfn, order));
            }
        }
        lock = found.put();
        lock.relax();
    }
    None
}

/// Removes the entries of `range`, which nobody has mapped or uses; see [`break_layout`]. Sleeps.
pub(crate) fn delete_range(mapping: &AddressSpace, range: PageRange) {
    // The inode may be on its way to be evicted.
    let mut memory = Memory::of_unknown_device();
    entries::remove_range(mapping, range, &mut memory, Dirty::in_file(mapping));
}

/// Removes the entry that covers the page `index`, if there is one, as the page is truncated. Sleeps.
pub(crate) use entries::delete as delete_entry;

/// Removes the entry that covers the page `index`, if there is one and it is clean. Sleeps.
pub(crate) use entries::invalidate as invalidate_entry;

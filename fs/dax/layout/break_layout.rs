// SPDX-License-Identifier: GPL-2.0

//! Breaking the layout of a range of a file.

use super::{
    entries::{
        remove_range,
        Dirty, //
    },
    range::PageRange,
};
use crate::{
    memory::Memory,
    slot::Slot,
    sys::{
        entry::{
            Entry,
            Order, //
        },
        folio::DeviceFolio,
        mapping::DaxMapping,
    },
};
use kernel::prelude::*;
use kernel_ext::fs::inode::Inode;

/// Breaks the layout of `range`.
///
/// While a page is in use, `sleep` is called again and again, to give up the locks of the
/// filesystem, sleep and take the locks again. Without it the error is `ERESTARTSYS`, as it is for
/// a signal; the pages are unmapped then, and the entries still there.
///
/// The caller holds a lock that keeps faults out, and `sleep` must leave it held. Sleeps.
pub(crate) fn break_layout(
    inode: &Inode,
    range: PageRange,
    mut sleep: Option<impl FnMut()>,
) -> Result {
    let Some(mapping) = DaxMapping::of(inode.mapping()) else {
        return Ok(());
    };
    let mut memory = Memory::of(inode);
    while let Some(busy) = unmap_and_find_busy(mapping, range, &mut memory) {
        let sleep = sleep.as_mut().ok_or(ERESTARTSYS)?;
        busy.wait_until_idle_interruptible(sleep)?;
    }
    remove_range(mapping, range, &mut memory, Dirty::in_file(mapping));
    Ok(())
}

/// Breaks the layout of a file whose inode is being evicted. Sleeps until no page is in use.
pub(crate) fn break_layout_final(inode: &Inode) {
    let Some(mapping) = DaxMapping::of(inode.mapping()) else {
        return;
    };
    let mut memory = Memory::of_unknown_device();
    while let Some(busy) = unmap_and_find_busy(mapping, PageRange::ALL, &mut memory) {
        busy.wait_until_idle();
    }
    let dirty = if inode.is_linked() {
        Dirty::in_file(mapping)
    } else {
        // The filesystem frees the blocks with the inode.
        Dirty::Discard
    };
    remove_range(mapping, PageRange::ALL, &mut memory, dirty);
}

/// Removes the entries of `range`, whose pages are in no page table and not in use; see
/// [`break_layout`]. Sleeps.
pub(crate) fn delete_range(mapping: &DaxMapping, range: PageRange) {
    // The caller may be evicting the inode, to reclaim memory.
    let mut memory = Memory::of_unknown_device();
    remove_range(mapping, range, &mut memory, Dirty::in_file(mapping));
}

/// Takes the pages of `range` out of all page tables, and finds the first folio that is in use.
/// Sleeps.
///
/// A task that is looking for a page without locks (`get_user_pages_fast()`) at the same time
/// either has its reference by now, and is found. Or it sees that the page has gone from the page
/// table, drops the reference and faults, and the caller keeps faults out.
pub(crate) fn unmap_and_find_busy<'h>(
    mapping: &DaxMapping,
    range: PageRange,
    memory: &'h mut Memory<'_>,
) -> Option<&'h DeviceFolio> {
    mapping.unmap_pages(range.first(), range.pages_or_all());
    let busy = find_busy(mapping, range, memory)?;
    memory.frames_of(busy).map(DeviceFolio::of)
}

/// The first entry of `range` whose memory is in use.
fn find_busy(mapping: &DaxMapping, range: PageRange, memory: &mut Memory<'_>) -> Option<Entry> {
    let mut slot = Slot::new(mapping, range.first(), Order::Pte);
    let mut lock = slot.lock();
    while let Some(found) = lock.next(range.last()) {
        let entry = found.entry();
        let unmapped = range.covers(found.index(), entry.order().pages());
        // Memory that is gone is not in use.
        let busy = memory.frames_of(entry).is_some_and(|frames| {
            let folio = DeviceFolio::of(frames);
            match unmapped {
                true => folio.is_busy_unmapped(),
                false => folio.is_busy(),
            }
        });
        if busy {
            return Some(entry);
        }
        lock = found.put();
        lock.relax();
    }
    None
}

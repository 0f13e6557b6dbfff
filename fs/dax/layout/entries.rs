// SPDX-License-Identifier: GPL-2.0

//! Removing entries, with care for what is dirty and for memory that is gone.

use super::{
    detach::detach_idle,
    memory::Memory,
    PageRange, //
};
use crate::{
    entry::{
        Entry,
        Order, //
    },
    folio,
    slot::{
        Lookup,
        MappingLock,
        Slot,
        UnlockedEntry, //
    },
    trace, //
};
use core::convert::Infallible;
use kernel::prelude::*;
use kernel_ext::{
    fs::mapping::{
        AddressSpace,
        PageIndex, //
    },
    mm::folio::References,
    warn_on_once,
    xarray::Guard, //
};

/// What becomes of the data of entries that are dirty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dirty {
    /// It is flushed: the blocks stay the file's, or become another file's.
    Flush,
    /// Nothing: nobody can read it any more, or nobody was promised that it would be durable.
    Discard,
}

impl Dirty {
    /// What has to be done for a file that keeps its data.
    #[inline]
    pub(super) fn in_file(mapping: &AddressSpace) -> Self {
        if mapping.can_write_back() && !cfg!(CONFIG_RUST_DAX_LOSE_REMOVED) {
            Self::Flush
        } else {
            Self::Discard
        }
    }
}

/// Removes all entries of `range`. Sleeps.
pub(super) fn remove_range(
    mapping: &AddressSpace,
    range: PageRange,
    memory: &mut Memory<'_>,
    dirty: Dirty,
) {
    let mut slot = Slot::new(mapping, range.first(), Order::Pte);
    let mut lock = slot.lock();
    while let Some(found) = lock.next(range.last()) {
        let pages = found.entry().order().pages();
        lock = remove(found, memory, dirty);
        // Each page of a folio that is taken apart is work.
        lock.relax_after(pages);
    }
}

/// Removes the entry that covers the page `index`. Returns whether there was one.
pub(crate) fn delete(mapping: &AddressSpace, index: PageIndex) -> bool {
    let mut slot = Slot::new(mapping, index, Order::Pte);
    let Some(found) = look_up(slot.lock()) else {
        return false;
    };
    // The inode may be on its way to be evicted.
    let mut memory = Memory::of_unknown_device();
    drop(remove(found, &mut memory, Dirty::in_file(mapping)));
    true
}

/// Removes the entry that covers the page `index` if there is one that is clean and whose pages
/// nobody uses. Returns whether there was. Sleeps.
///
/// The pages may be mapped: the caller unmaps them only after this.
pub(crate) fn invalidate(mapping: &AddressSpace, index: PageIndex) -> bool {
    let mut slot = Slot::new(mapping, index, Order::Pte);
    let Some(found) = look_up(slot.lock()) else {
        return false;
    };
    if found.is_dirty() {
        return false;
    }
    detach_idle(found, &mut Memory::of_unknown_device())
}

fn look_up<'s, 'm>(lock: MappingLock<'s, 'm>) -> Option<UnlockedEntry<'s, 'm>> {
    match lock.lookup() {
        Lookup::Found(found) => Some(found),
        Lookup::Absent(_) => None,
        Lookup::Conflict | Lookup::Foreign => {
            warn_on_once!(true);
            None
        }
    }
}

/// Gives up the memory of an entry that is being removed, which nobody uses, if it is still there.
#[inline]
pub(super) fn release(entry: Entry, lock: &Guard<'_, '_>, memory: &mut Memory<'_>) {
    release_from(entry, References::None, lock, memory);
}

/// Like [`release`], for memory that somebody may use.
#[inline]
pub(super) fn release_from(
    entry: Entry,
    references: References,
    lock: &Guard<'_, '_>,
    memory: &mut Memory<'_>,
) {
    let pages = entry.order().pages();
    let there = |pfn| memory.frames(pfn, pages).is_some();
    if entry.mapped_pfn().is_some_and(there) {
        folio::release(entry, references, lock);
    }
}

/// Removes one entry.
fn remove<'s, 'm>(
    found: UnlockedEntry<'s, 'm>,
    memory: &mut Memory<'_>,
    dirty: Dirty,
) -> MappingLock<'s, 'm> {
    let found = match found.remove_if_clean(|entry, lock| release(entry, lock, memory)) {
        Ok(lock) => return lock,
        Err(found) => found,
    };
    match dirty {
        Dirty::Flush => flush_and_remove(found, memory),
        Dirty::Discard => found.discard(|entry, lock| release(entry, lock, memory)),
    }
}

/// Writes the memory of an entry back, and removes the entry.
///
/// No page table has the memory. Nobody has, so nothing is written after the flush.
#[cold]
fn flush_and_remove<'s, 'm>(
    found: UnlockedEntry<'s, 'm>,
    memory: &mut Memory<'_>,
) -> MappingLock<'s, 'm> {
    let (mapping, index) = (found.mapping(), found.index());
    let pages = found.entry().order().pages();
    let flushed = found.lock().flush(|mapping, _, entry| {
        let there = entry
            .mapped_pfn()
            .is_some_and(|pfn| memory.flush(pfn, pages));
        if !there {
            mapping.set_error(EIO);
        }
        Ok::<(), Infallible>(())
    });
    let Ok(flushed) = flushed;
    trace::writeback_one(mapping.host(), index, pages);
    flushed.remove(|entry, lock| release(entry, lock, memory))
}

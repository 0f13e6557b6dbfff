// SPDX-License-Identifier: GPL-2.0

//! Removing entries, which may be dirty and whose memory may be gone.

use super::{
    detach::detach_idle,
    range::PageRange, //
};
use crate::{
    memory::Memory,
    slot::{
        Lookup,
        MappingLock,
        Slot,
        UnlockedEntry, //
    },
    sys::{
        entry::Order,
        folio::References,
        mapping::DaxMapping,
        trace, //
    },
};
use kernel_ext::{
    units::PageIndex,
    warn_on_once, //
};

/// The fate of dirty data whose entry is removed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dirty {
    /// It is flushed: the blocks stay the file's, or become another file's.
    Flush,
    /// It is dropped: the blocks are freed, or the filesystem makes no stores durable.
    Discard,
}

impl Dirty {
    /// The fate of the data of a file that keeps it.
    #[inline]
    pub(super) fn in_file(mapping: &DaxMapping) -> Self {
        if mapping.can_write_back() && !cfg!(CONFIG_RUST_DAX_LOSE_REMOVED) {
            Self::Flush
        } else {
            Self::Discard
        }
    }
}

/// Removes all entries of `range`. Sleeps.
pub(super) fn remove_range(
    mapping: &DaxMapping,
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

/// Removes the entry that covers the page `index`, as the page is truncated. Returns whether there
/// was one. Sleeps.
pub(crate) fn delete(mapping: &DaxMapping, index: PageIndex) -> bool {
    let mut slot = Slot::new(mapping, index, Order::Pte);
    let Some(found) = look_up(slot.lock()) else {
        return false;
    };
    // The caller may be evicting the inode, to reclaim memory.
    let mut memory = Memory::of_unknown_device();
    drop(remove(found, &mut memory, Dirty::in_file(mapping)));
    true
}

/// Removes the entry that covers the page `index` if there is one that is clean and whose pages are
/// not in use. Returns whether there was. Sleeps.
///
/// The pages may be mapped: the caller unmaps them only after this.
pub(crate) fn invalidate(mapping: &DaxMapping, index: PageIndex) -> bool {
    let mut slot = Slot::new(mapping, index, Order::Pte);
    let Some(found) = look_up(slot.lock()) else {
        return false;
    };
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

/// Removes one entry.
fn remove<'s, 'm>(
    found: UnlockedEntry<'s, 'm>,
    memory: &mut Memory<'_>,
    dirty: Dirty,
) -> MappingLock<'s, 'm> {
    let found = match found.remove_if_clean(memory) {
        Ok(lock) => return lock,
        Err(found) => found,
    };
    match dirty {
        Dirty::Flush => flush_and_remove(found, memory),
        Dirty::Discard => found.discard(memory),
    }
}

/// Writes the memory of an entry back, and removes the entry.
#[cold]
fn flush_and_remove<'s, 'm>(
    found: UnlockedEntry<'s, 'm>,
    memory: &mut Memory<'_>,
) -> MappingLock<'s, 'm> {
    let (mapping, index) = (found.mapping(), found.index());
    let pages = found.entry().order().pages();
    // The caller has unmapped all of the range. Unmapping the entry again costs little then.
    let flushed = found.unmap().flush(memory);
    trace::writeback_one(mapping.host(), index, pages);
    flushed.remove(References::None, memory)
}

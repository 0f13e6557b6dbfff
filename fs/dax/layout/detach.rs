// SPDX-License-Identifier: GPL-2.0

//! Forgetting pages of a file whose blocks are replaced, while faults go on.
//!
//! An entry is locked while its pages are taken out of all page tables and it is removed. So a
//! fault that comes meanwhile waits, and asks the filesystem anew.

use crate::{
    memory::Memory,
    slot::{
        MappingLock,
        Slot,
        UnlockedEntry, //
    },
    span::Span,
    sys::{
        entry::Order,
        folio::References,
        mapping::DaxMapping,
        trace, //
    },
};
use kernel_ext::fs::mapping::AddressSpace;

/// Forgets the pages of `span`, before other blocks take the place of theirs. Sleeps.
///
/// A dirty entry is flushed first. Its data may be needed where it is, because the write that is to
/// replace the blocks can fail or end early; and the entry of the copy will not be dirty.
pub(crate) fn detach(mapping: &AddressSpace, span: Span) {
    walk(mapping, span, detach_entry);
}

/// Forgets the pages of `span`, after other blocks have taken the place of theirs. Sleeps.
///
/// A task that has read through a mapping since [`detach`] may have the old blocks there. A task
/// that has written has made the filesystem replace them, and has the new ones, so dirty entries
/// stay.
pub(crate) fn detach_readers(mapping: &AddressSpace, span: Span) {
    walk(mapping, span, |found, memory| {
        if found.is_dirty() {
            found.put()
        } else {
            detach_entry(found, memory)
        }
    });
}

fn walk(
    mapping: &AddressSpace,
    span: Span,
    mut deal: impl for<'s, 'm> FnMut(UnlockedEntry<'s, 'm>, &mut Memory<'_>) -> MappingLock<'s, 'm>,
) {
    if mapping.is_empty() {
        return;
    }
    let Some(mapping) = DaxMapping::of(mapping) else {
        return;
    };
    let mut memory = Memory::of(mapping.host());
    let mut slot = Slot::new(mapping, span.first_page(), Order::Pte);
    let mut lock = slot.lock();
    while let Some(found) = lock.next(span.last_page()) {
        let pages = found.entry().order().pages();
        lock = deal(found, &mut memory);
        lock.relax_after(pages);
    }
}

/// Takes the pages of an entry out of all page tables, flushes them if they are dirty, and removes
/// the entry.
///
/// Other tasks may take references to pages at any time (I/O in flight, a pipe), and this does not
/// wait for them: it may be the caller's write that has to go on before they are given back. A
/// single page is left to the tasks that have references. An entry of many pages that is in use
/// stays, until a fault that wants other memory there finds it idle.
fn detach_entry<'s, 'm>(
    found: UnlockedEntry<'s, 'm>,
    memory: &mut Memory<'_>,
) -> MappingLock<'s, 'm> {
    let unmapped = found.unmap();
    let (mapping, index, entry) = (unmapped.mapping(), unmapped.index(), unmapped.entry());
    let dirty = unmapped.is_dirty();
    let flushed = unmapped.flush(memory);
    if dirty {
        trace::writeback_one(mapping.host(), index, entry.order().pages());
    }
    if entry.order() != Order::Pte && memory.is_busy_unmapped(entry) {
        return flushed.put();
    }
    flushed.remove(References::ToOnePage, memory)
}

/// Takes the pages of a clean entry out of all page tables, and removes the entry unless its memory
/// is in use. Returns whether it was removed. A dirty entry stays.
///
/// A filesystem that allocates blocks for a write does so before it asks for this, and a fault
/// between the two maps the new blocks: an entry with references is one that may stay. It has to,
/// so that a truncation of the file finds it and waits for them.
pub(super) fn detach_idle(found: UnlockedEntry<'_, '_>, memory: &mut Memory<'_>) -> bool {
    if found.is_dirty() {
        return false;
    }
    let unmapped = found.unmap();
    if memory.is_busy_unmapped(unmapped.entry()) {
        return false;
    }
    drop(unmapped.flush(memory).remove(References::None, memory));
    true
}

// SPDX-License-Identifier: GPL-2.0

//! Forgetting pages of a file whose blocks are replaced, while others may fault them in.
//!
//! An entry is locked while its pages are taken out of all page tables and it is removed. So a fault
//! that comes meanwhile waits, and asks the filesystem anew.

use super::{
    entries::{
        release,
        release_from, //
    },
    memory::Memory, //
};
use crate::{
    entry::Order,
    slot::{
        MappingLock,
        Slot,
        UnlockedEntry, //
    },
    span::Span,
    trace, //
};
use core::convert::Infallible;
use kernel::prelude::*;
use kernel_ext::{
    fs::mapping::AddressSpace,
    mm::folio::References, //
};

/// Forgets the pages of `span`, before other blocks take the place of theirs. Sleeps.
///
/// What is dirty is flushed first. It may be needed where it is, because the write that is to
/// replace the blocks can fail or end early; and where it is copied to, it will not be dirty.
pub(crate) fn detach(mapping: &AddressSpace, span: Span) {
    walk(mapping, span, detach_entry);
}

/// Forgets the pages of `span`, after other blocks have taken the place of theirs. Sleeps.
///
/// Who has read through a mapping since [`detach`] may have the old blocks there. Who has written has
/// made the filesystem replace them, and has the new ones, so what is dirty stays.
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
/// Nobody keeps others from having references to pages (I/O in flight, a pipe), and there is no
/// waiting for them: it may be the caller's write that would have to go on before they are given
/// back. A page is theirs from now on. An entry of many pages stays, until a fault that wants other
/// memory there finds it idle.
fn detach_entry<'s, 'm>(
    found: UnlockedEntry<'s, 'm>,
    memory: &mut Memory<'_>,
) -> MappingLock<'s, 'm> {
    let (mapping, index, dirty) = (found.mapping(), found.index(), found.is_dirty());
    let pages = found.entry().order().pages();
    let mut stays = false;

    let Ok(flushed) = found.lock().flush(|mapping, index, entry| {
        mapping.unmap_pages(index, pages);
        let Some(pfn) = entry.mapped_pfn() else {
            return Ok::<(), Infallible>(());
        };
        // What is clean was not written, and nobody can write it any more.
        if dirty && !memory.flush(pfn, pages) {
            mapping.set_error(EIO);
        }
        stays = pages != 1
            && memory
                .frames(pfn, pages)
                .is_some_and(|frames| frames.folio().is_busy_unmapped());
        Ok(())
    });
    if dirty {
        trace::writeback_one(mapping.host(), index, pages);
    }
    if stays {
        return flushed.put();
    }
    flushed.remove(|entry, lock| release_from(entry, References::ToOnePage, lock, memory))
}

/// Takes the pages of a clean entry out of all page tables, and removes the entry unless somebody
/// has references to them. Returns whether it was removed.
///
/// Who allocates blocks for a write does so before it asks for this, and a fault between the two
/// maps the new blocks: an entry with references is one that may stay. It has to, or whoever
/// truncates the file would not know of them.
pub(super) fn detach_idle(found: UnlockedEntry<'_, '_>, memory: &mut Memory<'_>) -> bool {
    let pages = found.entry().order().pages();
    let unmapped = found.lock().flush(|mapping, index, entry| {
        mapping.unmap_pages(index, pages);
        let frames = entry.mapped_pfn().and_then(|pfn| memory.frames(pfn, pages));
        match frames {
            Some(frames) if frames.folio().is_busy_unmapped() => Err(EBUSY),
            _ => Ok(()),
        }
    });
    let Ok(unmapped) = unmapped else {
        return false;
    };
    drop(unmapped.remove(|entry, lock| release(entry, lock, memory)));
    true
}

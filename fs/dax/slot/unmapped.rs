// SPDX-License-Identifier: GPL-2.0

//! Entries on their way out: taken out of all page tables, flushed, removed.

use super::{
    lock::MappingLock,
    locked::LockedEntry, //
};
use crate::{
    memory::Memory,
    sys::{
        entry::Entry,
        folio::References,
        mapping::DaxMapping, //
    },
};
use kernel_ext::units::PageIndex;

/// A locked entry that is in no page table, private copies excepted. Faults on its pages wait for
/// the lock.
///
/// When dropped, the entry is unlocked, and the next fault maps it again.
#[must_use = "the entry is unlocked immediately when this is unused"]
pub(crate) struct Unmapped<'s, 'm> {
    locked: LockedEntry<'s, 'm>,
    /// Its memory may have been written since it was last flushed.
    dirty: bool,
}

impl<'s, 'm> LockedEntry<'s, 'm> {
    /// Takes the pages of the entry out of all page tables. Sleeps.
    #[inline]
    pub(crate) fn unmap(self) -> Unmapped<'s, 'm> {
        self.unmap_with(true)
    }

    /// As [`LockedEntry::unmap`], of an entry that is not dirty unless `dirty`.
    #[inline]
    pub(super) fn unmap_with(self, dirty: bool) -> Unmapped<'s, 'm> {
        let pages = self.entry().order().pages();
        self.mapping().unmap_pages(self.index(), pages);
        Unmapped {
            locked: self,
            dirty,
        }
    }
}

impl<'s, 'm> Unmapped<'s, 'm> {
    /// The entry.
    #[inline]
    pub(crate) fn entry(&self) -> Entry {
        self.locked.entry()
    }

    /// The first page that the entry covers.
    #[inline]
    pub(crate) fn index(&self) -> PageIndex {
        self.locked.index()
    }

    /// The file.
    #[inline]
    pub(crate) fn mapping(&self) -> &'m DaxMapping {
        self.locked.mapping()
    }

    /// Whether the memory may have been written since it was last flushed.
    #[inline]
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Has the memory of the entry on stable storage: writes it back unless the entry is clean,
    /// whose memory was written back before. Sleeps.
    ///
    /// If the memory is gone although it was dirty, its data is lost. Then each open file of the
    /// inode gets `EIO` from its next fsync().
    #[inline]
    pub(crate) fn flush(self, memory: &mut Memory<'_>) -> Flushed<'s, 'm> {
        if self.dirty && !memory.flush(self.entry()) {
            self.mapping().report_loss();
        }
        Flushed(self.locked)
    }
}

/// A locked entry whose memory is on stable storage, and in no page table: the evidence that is
/// needed to remove an entry that was dirty without losing its data.
///
/// When dropped, the entry is unlocked, and as dirty as it was.
#[must_use = "the entry is unlocked immediately, and not removed, when this is unused"]
pub(crate) struct Flushed<'s, 'm>(LockedEntry<'s, 'm>);

impl<'s, 'm> Flushed<'s, 'm> {
    /// Removes the entry, and wakes all tasks that wait for it. The i_pages lock is held
    /// afterwards.
    ///
    /// `references` are those that the memory may have, if `memory` finds it still there.
    #[inline]
    pub(crate) fn remove(
        self,
        references: References,
        memory: &mut Memory<'_>,
    ) -> MappingLock<'s, 'm> {
        let held = self.0 .0.take_over();
        let mut lock = MappingLock(held.cursor.lock());
        lock.remove(references, memory);
        lock
    }

    /// Leaves the entry as it was, and wakes the next task that waits for it. The i_pages lock is
    /// held afterwards.
    pub(crate) fn put(self) -> MappingLock<'s, 'm> {
        self.0.put()
    }
}

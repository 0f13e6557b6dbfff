// SPDX-License-Identifier: GPL-2.0

//! A place in a file, and the i_pages lock.

use crate::{
    memory::Memory,
    sys::{
        cursor::Cursor,
        entry::{
            Entry,
            Order, //
        },
        folio::References,
        guard::Guard,
        mapping::DaxMapping,
        wait::{
            self,
            Key, //
        },
    },
};
use kernel_ext::units::PageIndex;

/// A place in a file, where there may be an entry. No lock is held.
pub(crate) struct Slot<'m>(pub(super) Cursor<'m>);

impl<'m> Slot<'m> {
    /// The place for an entry of `order` that covers the page `index`; also where a walk over the
    /// entries of a file begins.
    #[inline]
    pub(crate) fn new(mapping: &'m DaxMapping, index: PageIndex, order: Order) -> Self {
        Self(Cursor::new(mapping, index, order.log2()))
    }

    /// Takes the i_pages lock.
    #[inline]
    pub(crate) fn lock<'s>(&'s mut self) -> MappingLock<'s, 'm> {
        MappingLock(self.0.lock())
    }

    /// Where the slot is: a page of the entry of the last lookup, or the page that a walk has come
    /// to.
    #[inline]
    pub(crate) fn position(&self) -> PageIndex {
        self.0.index()
    }
}

/// The i_pages lock is held and interrupts are off; both end when this is dropped.
#[must_use = "the lock is released immediately when this is unused"]
pub(crate) struct MappingLock<'s, 'm>(pub(super) Guard<'s, 'm>);

impl<'s, 'm> MappingLock<'s, 'm> {
    /// The file.
    #[inline]
    pub(crate) fn mapping(&self) -> &'m DaxMapping {
        self.0.mapping()
    }

    /// Where the slot is; see [`Slot::position`].
    #[inline]
    pub(crate) fn position(&self) -> PageIndex {
        self.0.index()
    }

    /// Moves the slot to another page of the file.
    #[inline]
    pub(crate) fn set_index(&mut self, index: PageIndex) {
        self.0.set_index(index);
    }

    /// After every few thousand entries of a walk, lets others have the lock and the CPU.
    #[inline]
    pub(crate) fn relax(&mut self) {
        self.0.relax();
    }

    /// Like [`MappingLock::relax`], after work on so many pages.
    #[inline]
    pub(crate) fn relax_after(&mut self, pages: usize) {
        self.0.relax_after(pages as u32);
    }

    /// Sleeps until the entry, whose lock bit is set, is unlocked.
    ///
    /// The caller looks again, and what it finds passes the wake-up on.
    #[cold]
    pub(super) fn wait(self, entry: Entry) -> Self {
        let start = entry.order().start(self.position());
        Self(wait::sleep_exclusive(self.0, start).lock())
    }

    /// The key under which others wait for `entry`, which is at the slot.
    #[inline]
    pub(super) fn key(&self, entry: Entry) -> Key {
        Key::new(self.mapping(), entry.order().start(self.position()))
    }

    /// Removes the entry at the slot, if there is one, and wakes all tasks that wait for it.
    #[inline]
    pub(super) fn remove(&mut self, references: References, memory: &mut Memory<'_>) {
        let Some(entry) = self.0.remove(references, memory) else {
            return;
        };
        self.0.sub_pages(entry.order().pages());
        // No later unlock passes a wake-up on: the entry is gone.
        self.key(entry).wake_all();
    }
}

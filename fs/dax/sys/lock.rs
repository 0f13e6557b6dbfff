// SPDX-License-Identifier: GPL-2.0

//! The lock of an entry, as a value.

use super::entry::Entry;

/// A task has set the lock bit of this entry, and has yet to clear it.
///
/// [`Guard`](super::guard::Guard) makes one when it sets the bit, and takes it back when it clears
/// the bit or removes the entry. To drop it leaves the entry locked for ever.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the entry stays locked when this is dropped"]
pub(crate) struct EntryLock(Entry);

impl EntryLock {
    /// The lock of `entry`, whose bit the caller has set under the i_pages lock.
    #[inline]
    pub(super) const fn new(entry: Entry) -> Self {
        Self(entry)
    }

    /// Takes up the lock that [`EntryLock::keep`] left, when C gives it back.
    ///
    /// # Safety
    ///
    /// `entry` must be what [`EntryLock::keep`] returned, and that call must be matched by this one
    /// only.
    #[inline]
    pub(crate) const unsafe fn adopt(entry: Entry) -> Self {
        Self(entry)
    }

    /// Leaves the entry locked, for C to keep the lock.
    #[inline]
    pub(crate) const fn keep(self) -> Entry {
        self.0
    }

    /// The entry.
    #[inline]
    pub(crate) const fn entry(&self) -> Entry {
        self.0
    }
}

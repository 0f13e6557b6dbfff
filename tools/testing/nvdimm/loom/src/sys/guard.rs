// SPDX-License-Identifier: GPL-2.0

//! An array of few entries, under a lock that the checker knows.
//!
//! Misuse that the real one would not notice is a panic: a mark without a walk, a walk that goes on
//! after the lock has been released.

use super::{
    cursor::{
        Cursor,
        Mark,
        Present,
        State, //
    },
    entry::{
        Entry,
        Order,
        Storage,
        Zeros, //
    },
    folio::References,
    lock::EntryLock,
    mapping::DaxMapping,
};
use crate::memory::Memory;
use kernel_ext::{
    types::{
        Discharge,
        Duty, //
    },
    units::PageIndex,
    xarray::Value, //
};
use loom::sync::MutexGuard;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReplaced {
    OtherEntry,
    InUse,
}

/// An entry that covers 2^`order` indices.
#[derive(Clone, Copy, Debug)]
struct Stored {
    start: usize,
    order: u32,
    value: Value,
    marks: u8,
}

impl Stored {
    fn last(&self) -> usize {
        self.start + (1 << self.order) - 1
    }
}

/// The array, ordered by index, and what else its lock protects.
#[derive(Debug, Default)]
pub(super) struct Pages {
    entries: Vec<Stored>,
    pub(super) nrpages: usize,
    pub(super) unmapped: Vec<(PageIndex, usize)>,
    pub(super) failures: usize,
}

impl Pages {
    fn overlapping(&self, first: usize, last: usize) -> Option<usize> {
        self.entries
            .iter()
            .position(|entry| entry.start <= last && first <= entry.last())
    }

    pub(crate) fn copy_mark(&mut self, start: PageIndex, last: PageIndex, from: Mark, to: Mark) {
        for entry in &mut self.entries {
            if entry.start <= last.0 && start.0 <= entry.last() && entry.marks & from.0 != 0 {
                entry.marks |= to.0;
            }
        }
    }

    pub(crate) fn has_mark(&self, index: PageIndex, mark: Mark) -> bool {
        self.overlapping(index.0, index.0)
            .is_some_and(|at| self.entries[at].marks & mark.0 != 0)
    }
}

impl<'m> Cursor<'m> {
    pub(crate) fn lock<'c>(&'c mut self) -> Guard<'c, 'm> {
        assert!(
            !matches!(self.state, State::Walked(_)),
            "a cursor has outlived the lock"
        );
        Guard(Duty::new(Locked {
            pages: Some(self.mapping.lock()),
            cursor: self,
        }))
    }
}

/// The lock is held.
pub(crate) struct Guard<'c, 'm>(Duty<Locked<'c, 'm>>);

struct Locked<'c, 'm> {
    cursor: &'c mut Cursor<'m>,
    /// Not there for a moment in `relax`.
    pages: Option<MutexGuard<'m, Pages>>,
}

impl<'c, 'm> Locked<'c, 'm> {
    fn unlock(self) -> &'c mut Cursor<'m> {
        if matches!(self.cursor.state, State::Walked(_)) {
            self.cursor.state = State::Restart;
        }
        self.cursor
    }
}

impl Discharge for Locked<'_, '_> {
    fn discharge(self) {
        self.unlock();
    }
}

impl<'c, 'm> Guard<'c, 'm> {
    pub(crate) fn unlock(self) -> &'c mut Cursor<'m> {
        self.0.take_over().unlock()
    }

    fn cursor(&mut self) -> &mut Cursor<'m> {
        self.0.cursor
    }

    fn pages(&self) -> &Pages {
        self.0.pages.as_ref().unwrap()
    }

    fn pages_mut(&mut self) -> &mut Pages {
        self.0.pages.as_mut().unwrap()
    }

    pub(crate) fn mapping(&self) -> &'m DaxMapping {
        self.0.cursor.mapping
    }

    pub(crate) fn index(&self) -> PageIndex {
        PageIndex(self.0.cursor.index)
    }

    pub(crate) fn order(&self) -> u32 {
        self.0.cursor.order
    }

    pub(crate) fn set_index(&mut self, index: PageIndex) {
        self.cursor().index = index.0;
        self.cursor().state = State::Restart;
    }

    pub(crate) fn reset(&mut self) {
        self.cursor().state = State::Restart;
    }

    fn walk_to(&mut self, at: Option<usize>) -> Option<Present> {
        let start = at.map_or(self.0.cursor.index, |at| self.pages().entries[at].start);
        self.cursor().state = State::Walked(start);
        at.map(|at| self.pages().entries[at].value.into())
    }

    pub(crate) fn load(&mut self) -> Option<Present> {
        let index = self.0.cursor.index;
        let at = self.pages().overlapping(index, index);
        self.walk_to(at)
    }

    pub(crate) fn find_conflict(&mut self) -> Option<Present> {
        assert!(!matches!(self.0.cursor.state, State::Walked(_)));
        let index = self.0.cursor.index;
        let at = self
            .pages()
            .overlapping(index, index + (1 << self.0.cursor.order) - 1);
        self.walk_to(at)
    }

    fn next_where(&mut self, last: PageIndex, wanted: impl Fn(&Stored) -> bool) -> Option<Present> {
        let (state, index) = (self.0.cursor.state, self.0.cursor.index);
        let at = self.pages().entries.iter().position(|entry| {
            let ahead = match state {
                State::Walked(start) => entry.start > start,
                State::Restart | State::NoMemory => entry.last() >= index,
            };
            ahead && entry.start <= last.0 && wanted(entry)
        })?;
        // An index in the middle of the entry stays.
        self.cursor().index = self.0.cursor.index.max(self.pages().entries[at].start);
        self.walk_to(Some(at))
    }

    pub(crate) fn next(&mut self, last: PageIndex) -> Option<Present> {
        self.next_where(last, |_| true)
    }

    pub(crate) fn next_marked(&mut self, last: PageIndex, mark: Mark) -> Option<Present> {
        self.next_where(last, |entry| entry.marks & mark.0 != 0)
    }

    /// Replaces the value `old` at the cursor, which must be there.
    fn exchange(&mut self, old: Value, new: Value) {
        if !matches!(self.0.cursor.state, State::Walked(_)) {
            self.load();
        }
        let at = self.current();
        let value = &mut self.pages_mut().entries[at].value;
        assert_eq!(*value, old, "another entry is there");
        *value = new;
    }

    pub(crate) fn lock_entry(&mut self, entry: Entry) -> EntryLock {
        self.exchange(entry.unlocked(), entry.locked());
        EntryLock::new(entry)
    }

    pub(crate) fn unlock_entry(&mut self, lock: EntryLock) {
        let entry = lock.keep();
        self.exchange(entry.locked(), entry.unlocked());
    }

    pub(crate) fn unlock_present(&mut self) {
        let Some(Present::Locked(entry)) = self.load() else {
            panic!("no locked entry is there");
        };
        self.exchange(entry.locked(), entry.unlocked());
    }

    pub(crate) fn store_placeholder(&mut self, order: Order) -> Option<EntryLock> {
        assert_eq!(self.load(), None);
        let entry = Entry::empty(order);
        self.insert(entry.locked());
        (self.0.cursor.state != State::NoMemory).then_some(EntryLock::new(entry))
    }

    pub(crate) fn replace_by_storage(
        &mut self,
        lock: &mut EntryLock,
        storage: Storage<'_>,
        _shared: bool,
    ) -> Result<(), NotReplaced> {
        self.replace(lock, Entry::mapped(storage))
    }

    pub(crate) fn replace_by_zeros(
        &mut self,
        lock: &mut EntryLock,
        zeros: Zeros,
    ) -> Result<(), NotReplaced> {
        self.replace(lock, Entry::zeros(zeros))
    }

    fn replace(&mut self, lock: &mut EntryLock, new: Entry) -> Result<(), NotReplaced> {
        let old = lock.entry();
        if old.order() != new.order() {
            return Err(NotReplaced::OtherEntry);
        }
        self.exchange(old.locked(), new.locked());
        *lock = EntryLock::new(new);
        Ok(())
    }

    pub(crate) fn remove(
        &mut self,
        _references: References,
        memory: &mut Memory<'_>,
    ) -> Option<Entry> {
        let (Present::Unlocked(entry) | Present::Locked(entry)) = self.load()? else {
            return None;
        };
        let at = self.current();
        self.pages_mut().entries.remove(at);
        memory.removed(entry);
        Some(entry)
    }

    pub(crate) fn next_is_marked(&self, mark: Mark) -> bool {
        let State::Walked(start) = self.0.cursor.state else {
            return false;
        };
        self.pages()
            .overlapping(start + 1, start + 1)
            .is_some_and(|at| self.pages().entries[at].marks & mark.0 != 0)
    }

    fn insert(&mut self, value: Value) {
        if self.pages().failures > 0 && !self.0.cursor.has_memory {
            self.pages_mut().failures -= 1;
            self.cursor().state = State::NoMemory;
            return;
        }
        let (start, order) = (self.0.cursor.index, self.0.cursor.order);
        assert_eq!(
            self.pages().overlapping(start, start + (1 << order) - 1),
            None,
            "an entry would cover others"
        );
        let at = self
            .pages()
            .entries
            .partition_point(|entry| entry.start < start);
        let marks = 0;
        self.pages_mut().entries.insert(
            at,
            Stored {
                start,
                order,
                value,
                marks,
            },
        );
    }

    fn current(&self) -> usize {
        let State::Walked(start) = self.0.cursor.state else {
            panic!("a mark without a walk");
        };
        self.pages()
            .overlapping(start, start)
            .expect("a mark without an entry")
    }

    pub(crate) fn has_mark(&self, mark: Mark) -> bool {
        self.pages().entries[self.current()].marks & mark.0 != 0
    }

    pub(crate) fn set_mark(&mut self, mark: Mark) {
        let at = self.current();
        self.pages_mut().entries[at].marks |= mark.0;
    }

    pub(crate) fn clear_mark(&mut self, mark: Mark) {
        let at = self.current();
        self.pages_mut().entries[at].marks &= !mark.0;
    }

    /// Always lets others have the lock.
    pub(crate) fn relax(&mut self) {
        if let State::Walked(start) = self.0.cursor.state {
            self.cursor().index = match self.pages().overlapping(start, start) {
                Some(at) => self.pages().entries[at].last() + 1,
                None => start + 1,
            };
            self.cursor().state = State::Restart;
        }
        self.0.pages = None;
        self.0.pages = Some(self.mapping().lock());
    }

    pub(crate) fn relax_after(&mut self, _: u32) {
        self.relax();
    }

    pub(crate) fn add_pages(&mut self, pages: usize) {
        self.pages_mut().nrpages += pages;
    }

    pub(crate) fn sub_pages(&mut self, pages: usize) {
        self.pages_mut().nrpages -= pages;
    }
}

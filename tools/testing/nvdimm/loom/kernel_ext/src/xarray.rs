// SPDX-License-Identifier: GPL-2.0

//! An array of few entries, under a lock that the checker knows.
//!
//! Misuse that the real one would not notice is a panic: a mark without a walk, a walk that goes on
//! after the lock has been released.

#[path = "../../../../../../rust/xarray/value.rs"]
mod value;
pub use value::Value;

use crate::{
    fs::mapping::AddressSpace,
    types::{
        Discharge,
        Duty, //
    },
    units::PageIndex, //
};
use loom::sync::MutexGuard;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(pub(crate) u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    Value(Value),
    Other,
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
pub(crate) struct Pages {
    entries: Vec<Stored>,
    pub(crate) nrpages: usize,
    pub(crate) unmapped: Vec<(PageIndex, usize)>,
    pub(crate) failures: usize,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Restart,
    /// At the entry that starts here, or at the empty index.
    Walked(usize),
    NoMemory,
}

/// A position.
pub struct Cursor<'m> {
    mapping: &'m AddressSpace,
    index: usize,
    order: u32,
    state: State,
    has_memory: bool,
}

impl<'m> Cursor<'m> {
    pub fn new(mapping: &'m AddressSpace, index: PageIndex, order: u32) -> Self {
        Self {
            mapping,
            index: index.0 >> order << order,
            order,
            state: State::Restart,
            has_memory: false,
        }
    }

    pub fn mapping(&self) -> &'m AddressSpace {
        self.mapping
    }

    pub fn index(&self) -> PageIndex {
        PageIndex(self.index)
    }

    pub fn lock<'c>(&'c mut self) -> Guard<'c, 'm> {
        assert!(
            !matches!(self.state, State::Walked(_)),
            "a cursor has outlived the lock"
        );
        Guard(Duty::new(Locked {
            pages: Some(self.mapping.lock()),
            cursor: self,
        }))
    }

    pub fn allocate(&mut self) -> bool {
        let failed = self.state == State::NoMemory;
        if failed {
            self.state = State::Restart;
            self.has_memory = true;
        }
        failed
    }
}

/// The lock is held.
pub struct Guard<'c, 'm>(Duty<Locked<'c, 'm>>);

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
    pub fn unlock(self) -> &'c mut Cursor<'m> {
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

    pub fn mapping(&self) -> &'m AddressSpace {
        self.0.cursor.mapping
    }

    pub fn index(&self) -> PageIndex {
        PageIndex(self.0.cursor.index)
    }

    pub fn order(&self) -> u32 {
        self.0.cursor.order
    }

    pub fn set_index(&mut self, index: PageIndex) {
        self.cursor().index = index.0;
        self.cursor().state = State::Restart;
    }

    pub fn reset(&mut self) {
        self.cursor().state = State::Restart;
    }

    fn walk_to(&mut self, at: Option<usize>) -> Option<Present> {
        let start = at.map_or(self.0.cursor.index, |at| self.pages().entries[at].start);
        self.cursor().state = State::Walked(start);
        at.map(|at| Present::Value(self.pages().entries[at].value))
    }

    pub fn load(&mut self) -> Option<Present> {
        let index = self.0.cursor.index;
        let at = self.pages().overlapping(index, index);
        self.walk_to(at)
    }

    pub fn find_conflict(&mut self) -> Option<Present> {
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

    pub fn next(&mut self, last: PageIndex) -> Option<Present> {
        self.next_where(last, |_| true)
    }

    pub fn next_marked(&mut self, last: PageIndex, mark: Mark) -> Option<Present> {
        self.next_where(last, |entry| entry.marks & mark.0 != 0)
    }

    pub fn store(&mut self, value: Option<Value>) -> Option<Present> {
        let old = self.load();
        let at = self
            .pages()
            .overlapping(self.0.cursor.index, self.0.cursor.index);
        match (at, value) {
            (Some(at), Some(value)) => self.pages_mut().entries[at].value = value,
            (Some(at), None) => {
                self.pages_mut().entries.remove(at);
            }
            (None, Some(value)) => self.insert(value),
            (None, None) => (),
        }
        old
    }

    pub fn replace(&mut self, value: Value) -> Option<Present> {
        if !matches!(self.0.cursor.state, State::Walked(_)) {
            self.load()?;
        }
        let at = self.current();
        let old = std::mem::replace(&mut self.pages_mut().entries[at].value, value);
        Some(Present::Value(old))
    }

    pub fn next_is_marked(&self, mark: Mark) -> bool {
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

    pub fn failed(&self) -> bool {
        self.0.cursor.state == State::NoMemory
    }

    fn current(&self) -> usize {
        let State::Walked(start) = self.0.cursor.state else {
            panic!("a mark without a walk");
        };
        self.pages()
            .overlapping(start, start)
            .expect("a mark without an entry")
    }

    pub fn has_mark(&self, mark: Mark) -> bool {
        self.pages().entries[self.current()].marks & mark.0 != 0
    }

    pub fn set_mark(&mut self, mark: Mark) {
        let at = self.current();
        self.pages_mut().entries[at].marks |= mark.0;
    }

    pub fn clear_mark(&mut self, mark: Mark) {
        let at = self.current();
        self.pages_mut().entries[at].marks &= !mark.0;
    }

    /// Always lets others have the lock.
    pub fn relax(&mut self) {
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

    pub fn relax_after(&mut self, _: u32) {
        self.relax();
    }

    pub fn add_pages(&mut self, pages: usize) {
        self.pages_mut().nrpages += pages;
    }

    pub fn sub_pages(&mut self, pages: usize) {
        self.pages_mut().nrpages -= pages;
    }
}

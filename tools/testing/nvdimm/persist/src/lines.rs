// SPDX-License-Identifier: GPL-2.0

//! The lines of persistent memory and how far what was stored in them has come.
//!
//! A byte that is stored is in a cache, or, if the store was non-temporal, in a write-combining
//! buffer of its CPU. A write-back (`clwb`, `clflushopt`, `clflush`) sends the line on its way; a
//! fence of the CPU that sent it, or of the CPU that stored it non-temporally, makes it durable.
//! A cache may write a line back at any time by itself, so more may survive a power cut than what
//! is durable here; never less.
//!
//! Intel 64 Architectures Software Developer's Manual, volume 1, 11.4 and 12.

use std::collections::HashMap;

/// Bytes of a line.
pub const LINE: u64 = 64;
const LINES_PER_PAGE: u64 = 64;

/// The number of a virtual CPU.
pub type Cpu = u32;

/// How a store goes to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Through the cache.
    Cached,
    /// Past it (`movnti`, `movntdq`, ...).
    Streaming,
}

/// What one CPU has sent on its way and not fenced. Masks have a bit for each byte of the line.
#[derive(Clone, Debug)]
struct Pending {
    cpu: Cpu,
    written_back: u64,
    streamed: u64,
}

/// A line that is not durable somewhere.
#[derive(Clone, Debug, Default)]
struct Line {
    /// Bytes that are in a cache and nowhere else.
    dirty: u64,
    pending: Vec<Pending>,
    /// The instruction that stored last.
    origin: u64,
    /// The number of the beginning that it stored after; 0: nothing was stored.
    stored: u32,
}

impl Line {
    fn store(&mut self, bytes: u64, how: Store, cpu: Cpu) {
        self.dirty &= !bytes;
        self.settle(bytes, bytes);
        match how {
            Store::Cached => self.dirty |= bytes,
            Store::Streaming => self.of(cpu).streamed |= bytes,
        }
    }

    /// Sends the cached bytes on their way; false if there are none that no one has sent.
    fn write_back(&mut self, cpu: Cpu) -> bool {
        let useful = self.dirty != 0;
        let on_their_way = self.pending.iter().fold(0, |all, p| all | p.written_back);
        let bytes = self.dirty | on_their_way;
        self.dirty = 0;
        if bytes != 0 {
            self.of(cpu).written_back |= bytes;
        }
        useful
    }

    fn fence(&mut self, cpu: Cpu) {
        let durable = self.of(cpu).written_back;
        self.of(cpu).streamed = 0;
        self.settle(durable, 0);
    }

    /// These bytes are on their way no more: they have arrived, or were stored over.
    fn settle(&mut self, written_back: u64, streamed: u64) {
        self.pending.retain_mut(|p| {
            p.written_back &= !written_back;
            p.streamed &= !streamed;
            p.written_back | p.streamed != 0
        });
    }

    fn of(&mut self, cpu: Cpu) -> &mut Pending {
        let at = self
            .pending
            .iter()
            .position(|p| p.cpu == cpu)
            .unwrap_or_else(|| {
                self.pending.push(Pending {
                    cpu,
                    written_back: 0,
                    streamed: 0,
                });
                self.pending.len() - 1
            });
        &mut self.pending[at]
    }

    fn state(&self) -> State {
        match (self.dirty, self.pending.is_empty()) {
            (0, true) => State::Durable,
            (0, false) => State::Pending,
            _ => State::Dirty,
        }
    }
}

/// How far a line has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A byte of it is only in a cache.
    Dirty,
    /// All of it is on its way, part of it without a fence.
    Pending,
    /// All of it survives a power cut.
    Durable,
}

/// What happened, in numbers. A store to two lines counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counts {
    /// Lines stored to through the cache.
    pub stored: u64,
    /// Lines stored to past the cache.
    pub streamed: u64,
    /// Lines written back.
    pub written_back: u64,
    /// Of these, lines that had nothing in a cache.
    pub redundant: u64,
    /// Fences, of which most have other purposes.
    pub fences: u64,
}

impl Counts {
    /// The numbers, separated by tabs.
    pub fn columns(&self) -> String {
        let Self {
            stored,
            streamed,
            written_back,
            redundant,
            fences,
        } = self;
        format!("{stored}\t{streamed}\t{written_back}\t{redundant}\t{fences}")
    }

    /// What was counted since then.
    pub fn since(&self, then: &Self) -> Self {
        Self {
            stored: self.stored - then.stored,
            streamed: self.streamed - then.streamed,
            written_back: self.written_back - then.written_back,
            redundant: self.redundant - then.redundant,
            fences: self.fences - then.fences,
        }
    }
}

/// A line that a check found not to be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it begins.
    pub address: u64,
    /// Dirty or pending.
    pub state: State,
    /// The address of the instruction that stored to it last.
    pub origin: u64,
}

/// A line that came to another state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its address divided by the size of a line.
    pub number: u64,
    pub state: State,
    /// The address of the instruction that stored to it last.
    pub origin: u64,
}

/// All lines of the ranges that are watched.
#[derive(Default)]
pub struct Lines {
    pages: HashMap<u64, Box<[Line; LINES_PER_PAGE as usize]>>,
    /// Lines with something pending of that CPU, perhaps with some that are settled by now.
    unfenced: HashMap<Cpu, Vec<u64>>,
    /// Since the last beginning.
    pub counts: Counts,
    /// How many beginnings there were.
    begun: u32,
    /// In the order in which they happened, for who takes them; none unless somebody asks.
    pub changes: Option<Vec<Change>>,
}

impl Lines {
    /// What follows is counted from zero.
    pub fn begin(&mut self) {
        self.counts = Counts::default();
        self.begun += 1;
    }

    /// `len` bytes at `address` were stored by the instruction at `origin`.
    pub fn store(&mut self, address: u64, len: u64, how: Store, cpu: Cpu, origin: u64) {
        let stored = self.begun + 1;
        for (number, bytes) in parts(address, len) {
            self.change(number, |line| {
                line.origin = origin;
                line.stored = stored;
                line.store(bytes, how, cpu);
            });
            match how {
                Store::Cached => self.counts.stored += 1,
                Store::Streaming => {
                    self.counts.streamed += 1;
                    self.unfenced.entry(cpu).or_default().push(number);
                }
            }
        }
    }

    /// The line at `address` was written back.
    pub fn write_back(&mut self, address: u64, cpu: Cpu) {
        let number = address / LINE;
        self.counts.written_back += 1;
        if !self.change(number, |line| line.write_back(cpu)) {
            self.counts.redundant += 1;
        }
        self.unfenced.entry(cpu).or_default().push(number);
    }

    /// That CPU's stores and write-backs until here have arrived.
    pub fn fence(&mut self, cpu: Cpu) {
        self.counts.fences += 1;
        for number in self.unfenced.remove(&cpu).unwrap_or_default() {
            self.change(number, |line| line.fence(cpu));
        }
    }

    /// The lines of the range that are not durable.
    pub fn check(&self, address: u64, len: u64) -> Vec<Finding> {
        self.seen(address, len).filter_map(finding).collect()
    }

    /// The same for those alone that were stored to since the last beginning; and how many these are.
    pub fn check_stored(&self, address: u64, len: u64) -> (usize, Vec<Finding>) {
        let stored = |(_, line): &(u64, &Line)| line.stored > self.begun;
        let stored = self.seen(address, len).filter(stored);
        (stored.clone().count(), stored.filter_map(finding).collect())
    }

    /// The lines of the range of which something is known, by number.
    fn seen(&self, address: u64, len: u64) -> impl Iterator<Item = (u64, &Line)> + Clone {
        let numbers = address / LINE..(address + len).div_ceil(LINE);
        let pages = numbers.start / LINES_PER_PAGE..numbers.end.div_ceil(LINES_PER_PAGE);
        let pages = pages.filter_map(|page| Some((page * LINES_PER_PAGE, self.pages.get(&page)?)));
        pages
            .flat_map(|(first, lines)| (first..).zip(lines.iter()))
            .filter(move |(number, _)| numbers.contains(number))
    }

    /// Does something to a line, and remembers if its state is another one then.
    fn change<T>(&mut self, number: u64, act: impl FnOnce(&mut Line) -> T) -> T {
        let line = self.line(number);
        let before = line.state();
        let done = act(line);
        let (state, origin) = (line.state(), line.origin);
        if let Some(changes) = self.changes.as_mut().filter(|_| state != before) {
            changes.push(Change {
                number,
                state,
                origin,
            });
        }
        done
    }

    fn line(&mut self, number: u64) -> &mut Line {
        let page = self.pages.entry(number / LINES_PER_PAGE);
        let page = page.or_insert_with(|| Box::new(std::array::from_fn(|_| Line::default())));
        &mut page[(number % LINES_PER_PAGE) as usize]
    }
}

fn finding((number, line): (u64, &Line)) -> Option<Finding> {
    let (state, origin) = (line.state(), line.origin);
    (state != State::Durable).then_some(Finding {
        address: number * LINE,
        state,
        origin,
    })
}

/// The lines that a range touches, and which bytes of each.
fn parts(address: u64, len: u64) -> impl Iterator<Item = (u64, u64)> {
    let end = address + len;
    (address / LINE..end.div_ceil(LINE)).map(move |number| {
        let from = address.max(number * LINE) % LINE;
        let until = end.min((number + 1) * LINE) - number * LINE;
        (number, (u64::MAX >> (LINE - (until - from))) << from)
    })
}

#[cfg(test)]
#[path = "lines_test.rs"]
mod test;

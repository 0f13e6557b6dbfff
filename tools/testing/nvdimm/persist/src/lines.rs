// SPDX-License-Identifier: GPL-2.0

//! The lines of persistent memory and their states.
//!
//! A stored byte is in a cache or, if the store was non-temporal, in a write-combining buffer of
//! its CPU. A write-back (`clwb`, `clflushopt`, `clflush`) makes a cached byte pending, and so does
//! a non-temporal store; a fence of the same CPU makes it durable. A cache may also write a line
//! back at any time by itself, so more bytes may survive a power cut than are durable here, but
//! never fewer.
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
    /// Non-temporal, past the cache (`movnti`, `movntdq`, ...).
    Streaming,
}

/// The pending bytes of one CPU, which it has not fenced. Masks have a bit for each byte of the
/// line.
#[derive(Clone, Debug)]
struct Pending {
    cpu: Cpu,
    written_back: u64,
    streamed: u64,
}

/// A line of which a byte may not be durable.
#[derive(Clone, Debug, Default)]
struct Line {
    /// Bytes that are in a cache and nowhere else.
    dirty: u64,
    pending: Vec<Pending>,
    /// The address of the last instruction that stored to it.
    origin: u64,
    /// The number of the scenario of the last store; 0: there was no store.
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

    /// Makes the cached bytes pending; returns false if there were none.
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

    /// Removes these bytes from the pending ones: they are durable, or a later store replaced them.
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

/// The state of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A byte is only in a cache.
    Dirty,
    /// No byte is only in a cache, but some lack a fence.
    Pending,
    /// All bytes survive a power cut.
    Durable,
}

/// The numbers of events. A store to two lines counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counts {
    /// Lines stored to through the cache.
    pub stored: u64,
    /// Lines stored to past the cache.
    pub streamed: u64,
    /// Lines written back.
    pub written_back: u64,
    /// Lines written back without a byte in a cache.
    pub redundant: u64,
    /// Fences; most have other purposes than durability.
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

    /// The difference to earlier counts.
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
    /// The address of its first byte.
    pub address: u64,
    /// Dirty or pending.
    pub state: State,
    /// The address of the last instruction that stored to it.
    pub origin: u64,
}

/// A change of a line's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line's address divided by the size of a line.
    pub number: u64,
    pub state: State,
    /// The address of the last instruction that stored to it.
    pub origin: u64,
}

/// All lines of the watched ranges.
#[derive(Default)]
pub struct Lines {
    pages: HashMap<u64, Box<[Line; LINES_PER_PAGE as usize]>>,
    /// The lines that may have pending bytes of the CPU; some are durable by now.
    unfenced: HashMap<Cpu, Vec<u64>>,
    /// The counts of the current scenario.
    pub counts: Counts,
    /// The number of scenarios so far.
    begun: u32,
    /// The changes in their order, for the timeline, which takes them; `None` without a timeline.
    pub changes: Option<Vec<Change>>,
}

impl Lines {
    /// Begins a scenario and resets the counts.
    pub fn begin(&mut self) {
        self.counts = Counts::default();
        self.begun += 1;
    }

    /// Records a store of `len` bytes at `address` by the instruction at `origin`.
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

    /// Records a write-back of the line at `address`.
    pub fn write_back(&mut self, address: u64, cpu: Cpu) {
        let number = address / LINE;
        self.counts.written_back += 1;
        if !self.change(number, |line| line.write_back(cpu)) {
            self.counts.redundant += 1;
        }
        self.unfenced.entry(cpu).or_default().push(number);
    }

    /// Records a fence: the CPU's earlier write-backs and non-temporal stores are durable.
    pub fn fence(&mut self, cpu: Cpu) {
        self.counts.fences += 1;
        for number in self.unfenced.remove(&cpu).unwrap_or_default() {
            self.change(number, |line| line.fence(cpu));
        }
    }

    /// Returns the lines of the range that are not durable.
    pub fn check(&self, address: u64, len: u64) -> Vec<Finding> {
        self.seen(address, len).filter_map(finding).collect()
    }

    /// Returns the number of lines of the range with a store in the current scenario, and those of
    /// them that are not durable.
    pub fn check_stored(&self, address: u64, len: u64) -> (usize, Vec<Finding>) {
        let stored = |(_, line): &(u64, &Line)| line.stored > self.begun;
        let stored = self.seen(address, len).filter(stored);
        (stored.clone().count(), stored.filter_map(finding).collect())
    }

    /// The known lines of the range, by number.
    fn seen(&self, address: u64, len: u64) -> impl Iterator<Item = (u64, &Line)> + Clone {
        let numbers = address / LINE..(address + len).div_ceil(LINE);
        let pages = numbers.start / LINES_PER_PAGE..numbers.end.div_ceil(LINES_PER_PAGE);
        let pages = pages.filter_map(|page| Some((page * LINES_PER_PAGE, self.pages.get(&page)?)));
        pages
            .flat_map(|(first, lines)| (first..).zip(lines.iter()))
            .filter(move |(number, _)| numbers.contains(number))
    }

    /// Calls `act` for a line, and records a change if its state differs afterwards.
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

/// The lines that a range touches, each with the mask of its bytes.
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

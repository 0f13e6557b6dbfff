// SPDX-License-Identifier: GPL-2.0

//! What memory can hold after a power cut.
//!
//! [`crate::lines`] knows whether a line is durable, this what is in it. A cut leaves of each line
//! what is durable, or what any later store has made of it: the cache may have written the line
//! back after any of them. Lines are independent of each other, but for what filesystems rely on:
//! a block that is written whole and past the cache, as the driver does it, is old or new.
//! Stores of one CPU only, so that the stores to a line have an order.

use std::collections::{BTreeMap, HashMap};

use crate::lines::Store;

/// Bytes of a line.
pub const LINE: usize = 64;
/// Bytes of a block: pmem devices call it their physical block.
pub const BLOCK: usize = 4096;
/// Of more versions of a line than this, every other one is forgotten.
const VERSIONS: usize = 32;

/// What is in a line.
pub type Content = [u8; LINE];

/// What a cut keeps of the lines that are not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: no cache has written anything back by itself.
    Nothing,
    /// The last store to each line.
    Everything,
    /// Of each line something, by chance.
    Random { seed: u64 },
}

/// Something that a line could hold if it does not hold what is durable.
struct Version {
    /// The number of the event that made it.
    time: u64,
    content: Content,
    /// It belongs to a block that is being written.
    unfinished: bool,
}

/// What the next fence makes durable of a line.
struct Arrival {
    time: u64,
    /// A bit for each byte.
    bytes: u64,
    content: Content,
}

impl Arrival {
    fn put(&self, to: &mut Content) {
        for (n, byte) in to.iter_mut().enumerate() {
            if self.bytes & (1 << n) != 0 {
                *byte = self.content[n];
            }
        }
    }
}

/// A line that is not as the durable one, or will not be after the next fence.
struct Line {
    current: Content,
    /// The oldest first.
    versions: Vec<Version>,
    arriving: Vec<Arrival>,
    /// It has a version that belongs to a whole block.
    in_block: bool,
}

impl Line {
    fn new(current: Content) -> Self {
        Self {
            current,
            versions: Vec::new(),
            arriving: Vec::new(),
            in_block: false,
        }
    }

    fn store(&mut self, time: u64, at: usize, data: &[u8], unfinished: bool) {
        self.current[at..at + data.len()].copy_from_slice(data);
        if self.versions.len() == VERSIONS {
            let mut odd = true;
            self.versions.retain(|_| {
                odd = !odd;
                odd
            });
        }
        self.versions.push(Version {
            time,
            content: self.current,
            unfinished,
        });
    }

    fn send(&mut self, time: u64, bytes: u64) {
        self.arriving.push(Arrival {
            time,
            bytes,
            content: self.current,
        });
    }

    fn fence(&mut self, durable: &mut Content) {
        for arrival in self.arriving.drain(..) {
            arrival.put(durable);
            let older = |version: &&mut Version| version.time <= arrival.time;
            for version in self.versions.iter_mut().filter(older) {
                arrival.put(&mut version.content);
            }
        }
        self.versions.retain(|version| version.content != *durable);
    }

    /// The block that it is a part of is whole since then, or never will be.
    fn finish(&mut self, whole: Option<u64>) {
        let last = self.versions.iter().rfind(|version| version.unfinished);
        if let (Some(time), Some(content)) = (whole, last.map(|version| version.content)) {
            self.versions.retain(|version| !version.unfinished);
            self.versions.push(Version {
                time,
                content,
                unfinished: false,
            });
            self.in_block = true;
        }
        for version in &mut self.versions {
            version.unfinished = false;
        }
    }

    fn finished(&self) -> impl DoubleEndedIterator<Item = &Version> {
        self.versions.iter().filter(|version| !version.unfinished)
    }
}

/// Persistent memory, and what its caches hold.
pub struct Memory {
    durable: Vec<u8>,
    /// The lines of which a cut could leave something else, by number.
    open: BTreeMap<usize, Line>,
    /// Of these, those that the next fence is for.
    unfenced: Vec<usize>,
    /// The blocks that are being written from their beginning, by number, and until where.
    blocks: HashMap<usize, usize>,
    time: u64,
}

impl Memory {
    /// All of it is durable. Its length is a multiple of the line's.
    pub fn new(durable: Vec<u8>) -> Self {
        Self {
            durable,
            open: BTreeMap::new(),
            unfenced: Vec::new(),
            blocks: HashMap::new(),
            time: 0,
        }
    }

    /// `data` was stored at that offset.
    pub fn store(&mut self, mut at: usize, mut data: &[u8], how: Store) {
        while !data.is_empty() {
            let (part, rest) = data.split_at(data.len().min(LINE - at % LINE));
            self.store_to_line(at, part, how);
            (at, data) = (at + part.len(), rest);
        }
    }

    fn store_to_line(&mut self, at: usize, data: &[u8], how: Store) {
        self.time += 1;
        let (number, offset, end) = (at / LINE, at % LINE, at + data.len());
        let in_block = self.continues_block(at, end, how);
        let durable = content(&self.durable, number);
        let line = self.open.entry(number).or_insert(Line::new(durable));
        line.store(self.time, offset, data, in_block);
        if how == Store::Streaming {
            line.send(self.time, (u64::MAX >> (LINE - data.len())) << offset);
            self.unfenced.push(number);
        }
        if in_block && end % BLOCK == 0 {
            self.finish_block(at / BLOCK, Some(self.time));
        }
    }

    /// Whether the store is the next of those that write a block from its beginning. Any other store
    /// to the block ends that.
    fn continues_block(&mut self, at: usize, end: usize, how: Store) -> bool {
        let block = at / BLOCK;
        let continues = how == Store::Streaming && self.blocks.get(&block) == Some(&at);
        if !continues {
            self.finish_block(block, None);
        }
        let begins = how == Store::Streaming && at % BLOCK == 0;
        if continues || begins {
            self.blocks.insert(block, end);
        }
        continues || begins
    }

    fn finish_block(&mut self, block: usize, whole: Option<u64>) {
        if let Some(until) = self.blocks.remove(&block) {
            let lines = block * BLOCK / LINE..until.div_ceil(LINE);
            for (_, line) in self.open.range_mut(lines) {
                line.finish(whole);
            }
        }
    }

    /// The line at that offset was written back.
    pub fn write_back(&mut self, at: usize) {
        if let Some(line) = self.open.get_mut(&(at / LINE)) {
            line.send(self.time, u64::MAX);
            self.unfenced.push(at / LINE);
        }
    }

    /// What was stored past the cache, or written back, until here has arrived.
    pub fn fence(&mut self) {
        let unfinished: Vec<_> = self.blocks.keys().copied().collect();
        for block in unfinished {
            self.finish_block(block, None);
        }
        for number in self.unfenced.drain(..) {
            let Some(line) = self.open.get_mut(&number) else {
                continue;
            };
            let mut durable = content(&self.durable, number);
            line.fence(&mut durable);
            self.durable[number * LINE..][..LINE].copy_from_slice(&durable);
            if line.versions.is_empty() {
                self.open.remove(&number);
            }
        }
    }

    /// What a cut leaves for certain.
    pub fn durable(&self) -> &[u8] {
        &self.durable
    }

    /// What the CPU sees.
    pub fn current(&self) -> Vec<u8> {
        let mut current = self.durable.clone();
        for (number, line) in &self.open {
            current[number * LINE..][..LINE].copy_from_slice(&line.current);
        }
        current
    }

    /// The number of lines of which a cut could leave something else.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// The lines in which a cut leaves something else, with their offsets.
    pub fn cut(&self, keep: Keep) -> Vec<(usize, Content)> {
        let mut chooser = match keep {
            Keep::Nothing => return Vec::new(),
            Keep::Everything => None,
            Keep::Random { seed } => Some(Chooser::new(self, seed)),
        };
        let left = self.open.iter().filter_map(|(number, line)| {
            let version = match &mut chooser {
                None => line.finished().next_back(),
                Some(chooser) => chooser.choose(*number, line),
            };
            Some((number * LINE, version?.content))
        });
        left.collect()
    }
}

/// Chooses what a cut leaves of lines.
struct Chooser<'a> {
    memory: &'a Memory,
    random: fastrand::Rng,
    /// Of how many of a hundred lines something is left.
    percent: u32,
    /// Until when stores to a block have arrived.
    times: HashMap<usize, u64>,
}

impl<'a> Chooser<'a> {
    fn new(memory: &'a Memory, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        // few lines, half of them, most
        let percent = *random.choice(&[10, 50, 90]).expect("there are three");
        Self {
            memory,
            random,
            percent,
            times: HashMap::new(),
        }
    }

    fn choose<'l>(&mut self, number: usize, line: &'l Line) -> Option<&'l Version> {
        if line.in_block {
            let time = self.time(number * LINE / BLOCK);
            return line.finished().rfind(|version| version.time <= time);
        }
        let kept = self.random.u32(..100) < self.percent;
        let version = self.random.choice(line.finished().collect::<Vec<_>>());
        version.filter(|_| kept)
    }

    /// The same for all lines of the block that belong together.
    fn time(&mut self, block: usize) -> u64 {
        if let Some(time) = self.times.get(&block) {
            return *time;
        }
        let lines = block * BLOCK / LINE..(block + 1) * BLOCK / LINE;
        let lines = self.memory.open.range(lines).map(|(_, line)| line);
        let versions = lines.filter(|line| line.in_block).flat_map(Line::finished);
        let times: Vec<_> = versions.map(|version| version.time).collect();
        let kept = self.random.u32(..100) < self.percent;
        let time = self.random.choice(times).filter(|_| kept).unwrap_or(0);
        self.times.insert(block, time);
        time
    }
}

fn content(memory: &[u8], number: usize) -> Content {
    let mut content = [0; LINE];
    content.copy_from_slice(&memory[number * LINE..][..LINE]);
    content
}

#[cfg(test)]
#[path = "content_test.rs"]
mod test;

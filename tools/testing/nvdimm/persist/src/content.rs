// SPDX-License-Identifier: GPL-2.0

//! The contents that memory can have after a power cut.
//!
//! [`crate::lines`] knows whether a line is durable; this module knows its content. After a cut, a
//! line has its durable content, or the content after any later store, because the cache may have
//! written the line back after each of these. Lines are independent of each other, with one
//! exception that filesystems rely on: if the driver writes a whole block past the cache, all of
//! the block is old or all of it is new. The CPUs of the guest execute in turns, so the stores to a
//! line have an order. A fence is about the stores and write-backs of its own CPU.

use std::collections::{BTreeMap, HashMap};

use crate::lines::{Cpu, Store};

/// Bytes of a line.
pub const LINE: usize = 64;
/// Bytes of a block: the physical block size of pmem devices.
pub const BLOCK: usize = 4096;
/// If a line has more versions than this, every other one is dropped.
const VERSIONS: usize = 32;

/// The content of a line.
pub type Content = [u8; LINE];

/// Which stores a cut keeps of the lines that are not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// None: no cache has written a line back by itself.
    Nothing,
    /// The last store to each line.
    Everything,
    /// A random version of each line.
    Random { seed: u64 },
}

/// A content that a line could have after a cut instead of its durable one.
struct Version {
    /// The number of the event that made it.
    time: u64,
    content: Content,
    /// It belongs to a block whose stores have not ended.
    unfinished: bool,
}

/// The bytes of a line that the next fence of a CPU makes durable.
struct Arrival {
    cpu: Cpu,
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

/// A line whose content differs from the durable one, or will differ after the next fence.
struct Line {
    current: Content,
    /// The oldest first.
    versions: Vec<Version>,
    arriving: Vec<Arrival>,
    /// A version of it belongs to a block that was written whole.
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

    fn send(&mut self, cpu: Cpu, time: u64, bytes: u64) {
        self.arriving.push(Arrival {
            cpu,
            time,
            bytes,
            content: self.current,
        });
    }

    fn fence(&mut self, cpu: Cpu, durable: &mut Content) {
        let (arrived, mut left): (Vec<_>, Vec<_>) = self
            .arriving
            .drain(..)
            .partition(|arrival| arrival.cpu == cpu);
        for arrival in arrived {
            arrival.put(durable);
            let older = |version: &&mut Version| version.time <= arrival.time;
            for version in self.versions.iter_mut().filter(older) {
                arrival.put(&mut version.content);
            }
            // what another CPU sent before cannot come after it
            for other in left.iter_mut().filter(|other| other.time <= arrival.time) {
                other.bytes &= !arrival.bytes;
            }
        }
        left.retain(|arrival| arrival.bytes != 0);
        self.arriving = left;
        self.versions.retain(|version| version.content != *durable);
    }

    /// Its block is complete since event `whole`, or, for `None`, will never be.
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

/// Persistent memory and its caches.
pub struct Memory {
    durable: Vec<u8>,
    /// The lines that could have another content than the durable one after a cut, by number.
    open: BTreeMap<usize, Line>,
    /// Those of `open` that the next fence of a CPU affects.
    unfenced: Vec<(Cpu, usize)>,
    /// The blocks that a CPU is writing from their beginning, by number, with the end of the stores
    /// so far.
    blocks: HashMap<usize, (Cpu, usize)>,
    time: u64,
}

impl Memory {
    /// Memory with this content, all of it durable. The length is a multiple of the line's.
    pub fn new(durable: Vec<u8>) -> Self {
        Self {
            durable,
            open: BTreeMap::new(),
            unfenced: Vec::new(),
            blocks: HashMap::new(),
            time: 0,
        }
    }

    /// Records a store of `data` at that offset.
    pub fn store(&mut self, cpu: Cpu, mut at: usize, mut data: &[u8], how: Store) {
        while !data.is_empty() {
            let (part, rest) = data.split_at(data.len().min(LINE - at % LINE));
            self.store_to_line(cpu, at, part, how);
            (at, data) = (at + part.len(), rest);
        }
    }

    fn store_to_line(&mut self, cpu: Cpu, at: usize, data: &[u8], how: Store) {
        self.time += 1;
        let (number, offset, end) = (at / LINE, at % LINE, at + data.len());
        let in_block = self.continues_block(cpu, at, end, how);
        let durable = content(&self.durable, number);
        let line = self.open.entry(number).or_insert(Line::new(durable));
        line.store(self.time, offset, data, in_block);
        if how == Store::Streaming {
            line.send(cpu, self.time, (u64::MAX >> (LINE - data.len())) << offset);
            self.unfenced.push((cpu, number));
        }
        if in_block && end % BLOCK == 0 {
            self.finish_block(at / BLOCK, Some(self.time));
        }
    }

    /// Whether the store continues those that write a block from its beginning. Any other store to
    /// the block ends the series.
    fn continues_block(&mut self, cpu: Cpu, at: usize, end: usize, how: Store) -> bool {
        let block = at / BLOCK;
        let continues = how == Store::Streaming && self.blocks.get(&block) == Some(&(cpu, at));
        if !continues {
            self.finish_block(block, None);
        }
        let begins = how == Store::Streaming && at % BLOCK == 0;
        if continues || begins {
            self.blocks.insert(block, (cpu, end));
        }
        continues || begins
    }

    fn finish_block(&mut self, block: usize, whole: Option<u64>) {
        if let Some((_, until)) = self.blocks.remove(&block) {
            let lines = block * BLOCK / LINE..until.div_ceil(LINE);
            for (_, line) in self.open.range_mut(lines) {
                line.finish(whole);
            }
        }
    }

    /// Records a write-back of the line at that offset.
    pub fn write_back(&mut self, cpu: Cpu, at: usize) {
        if let Some(line) = self.open.get_mut(&(at / LINE)) {
            line.send(cpu, self.time, u64::MAX);
            self.unfenced.push((cpu, at / LINE));
        }
    }

    /// Records a fence: earlier write-backs of that CPU and its stores past the cache are durable.
    pub fn fence(&mut self, cpu: Cpu) {
        let of_cpu =
            |(block, (writer, _)): (&usize, &(Cpu, usize))| (*writer == cpu).then_some(*block);
        let unfinished: Vec<_> = self.blocks.iter().filter_map(of_cpu).collect();
        for block in unfinished {
            self.finish_block(block, None);
        }
        self.arrive(cpu);
    }

    /// Records a locked instruction. It is a fence, but an interrupt may bring it about in the middle
    /// of a block, which must not tear the block: that arrives later.
    pub fn locked(&mut self, cpu: Cpu) {
        self.arrive(cpu);
    }

    /// Makes durable what a CPU has sent, except for blocks that it is writing.
    fn arrive(&mut self, cpu: Cpu) {
        let blocks = &self.blocks;
        let waits = |number: &usize| blocks.contains_key(&(number * LINE / BLOCK));
        let (arrived, left): (Vec<_>, Vec<_>) = self
            .unfenced
            .drain(..)
            .partition(|(sender, number)| *sender == cpu && !waits(number));
        self.unfenced = left;
        for (_, number) in arrived {
            let Some(line) = self.open.get_mut(&number) else {
                continue;
            };
            let mut durable = content(&self.durable, number);
            line.fence(cpu, &mut durable);
            self.durable[number * LINE..][..LINE].copy_from_slice(&durable);
            if line.versions.is_empty() {
                self.open.remove(&number);
            }
        }
    }

    /// The durable content.
    pub fn durable(&self) -> &[u8] {
        &self.durable
    }

    /// The content that the CPU sees.
    pub fn current(&self) -> Vec<u8> {
        let mut current = self.durable.clone();
        for (number, line) in &self.open {
            current[number * LINE..][..LINE].copy_from_slice(&line.current);
        }
        current
    }

    /// The number of lines that could have another content than the durable one after a cut.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// The lines that have another content than the durable one after this cut, with their offsets.
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

/// Chooses the contents of lines after a cut.
struct Chooser<'a> {
    memory: &'a Memory,
    random: fastrand::Rng,
    /// The percentage of lines that keep a version.
    percent: u32,
    /// The time until which stores to a block have arrived, by block.
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

    /// A random time, the same for all lines of a block that was written whole.
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

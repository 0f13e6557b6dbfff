// SPDX-License-Identifier: GPL-2.0

//! Threads that fault, write, sync, punch, truncate and reference pages of one file at once.
//!
//! Each thread owns one sector of every block and writes nothing else, so it knows its last write.
//! Other threads can only clear the sector. The test counts for each block how many clearing
//! operations have begun and how many have ended, and so knows which contents are possible: old
//! data after a punch, zeroes without one, or any other data are errors.
//!
//! The seed determines the operations of each thread, but not how the threads interleave. A thread
//! without progress for a long time is an error too: a wake-up was lost, or there is a deadlock.

use crate::data::Rng;
use crate::ffi::range::clone_range;
use crate::ffi::transfer::pipe;
use crate::ffi::view::{Sharing, View, HUGE, PROT_READ, PROT_WRITE};
use crate::ffi::{self, Area, Seg, O_DIRECT, PAGE};
use crate::{open, Args, Context, Result};
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SECTOR: usize = 512;
/// The number of sectors of a block.
const MOST_THREADS: usize = PAGE / SECTOR;
/// The part that the file always has, so that threads may access it by a mapping.
const BODY: usize = 3 * HUGE;
/// The size of the file with the part that truncation removes and restores.
const WHOLE: usize = 4 * HUGE;
const BLOCKS: usize = WHOLE / PAGE;
/// The number of blocks that writes append to a shortened file.
const APPENDED: usize = 16;
const EFAULT: i32 = 14;
const MADV_DONTNEED: i32 = 4;

struct Shared {
    file: File,
    /// A block device for direct I/O, where each thread has a sector.
    device: File,
    /// A view at an address where 2 MiB entries fit, and one where they do not.
    views: [View; 2],
    clone: Option<File>,
    /// How many operations that clear a block have begun, and how many have ended, for each block.
    begun: Vec<AtomicU64>,
    ended: Vec<AtomicU64>,
    truncation: Mutex<()>,
    over: AtomicBool,
    steps: Vec<AtomicU64>,
}

impl Shared {
    fn new(path: &str, device: &str, threads: usize, reflink: bool) -> Result<Self> {
        let file = open(path, true, 0)?;
        file.set_len(0).of(path)?;
        ffi::file_allocate(&file, 0, 0, WHOLE as u64).of("fallocate")?;
        let view = |shift| {
            let prot = PROT_READ | PROT_WRITE;
            View::new(&file, 0, WHOLE, Sharing::Shared, prot, shift).of("mmap")
        };
        let counters = |n| (0..n).map(|_| AtomicU64::new(0)).collect();
        let views = [view(0)?, view(PAGE)?];
        // Fault 2 MiB entries in before the threads start: while they run, that may never succeed.
        for off in (0..BODY).step_by(HUGE) {
            views[0].store(off, &[0]);
        }
        Ok(Self {
            views,
            clone: reflink
                .then(|| open(&format!("{path}.clone"), true, 0))
                .transpose()?,
            device: open(device, false, O_DIRECT)?,
            begun: counters(BLOCKS),
            ended: counters(BLOCKS),
            truncation: Mutex::new(()),
            over: AtomicBool::new(false),
            steps: counters(threads),
            file,
        })
    }

    /// Runs an operation that clears the blocks, and counts it.
    fn clear<T>(&self, first: usize, blocks: usize, operation: impl FnOnce() -> T) -> T {
        for block in first..first + blocks {
            self.begun[block].fetch_add(1, SeqCst);
        }
        let done = operation();
        for block in first..first + blocks {
            self.ended[block].fetch_add(1, SeqCst);
        }
        done
    }
}

/// The last write of a thread to its sector of a block.
#[derive(Clone, Copy, Default)]
struct Written {
    stamp: u64,
    /// The number of clearing operations that had ended when the write began.
    ended_before: u64,
    /// The number of clearing operations that had begun when the write ended.
    begun_after: u64,
}

struct Thread {
    shared: Arc<Shared>,
    number: usize,
    rng: Rng,
    written: Vec<Written>,
    buf: Area,
    stamps: u64,
}

impl Thread {
    fn new(shared: &Arc<Shared>, number: usize, seed: u64) -> Result<Self> {
        Ok(Self {
            shared: shared.clone(),
            number,
            rng: Rng::new(seed + number as u64),
            written: vec![Written::default(); BLOCKS],
            buf: Area::new(PAGE).of("buffer")?,
            stamps: 0,
        })
    }

    fn run(mut self, ops: u64) -> Result {
        for op in 0..ops {
            if self.shared.over.load(SeqCst) {
                return Ok(());
            }
            self.step()
                .map_err(|e| format!("thread {}, operation {op}: {e}", self.number))?;
            self.shared.steps[self.number].fetch_add(1, SeqCst);
        }
        (0..BLOCKS).try_for_each(|block| self.pread(block))
    }

    fn step(&mut self) -> Result {
        let (inside, anywhere) = (self.rng.below(BODY / PAGE), self.rng.below(BLOCKS));
        let tail = BODY / PAGE + self.rng.below((WHOLE - BODY) / PAGE);
        match self.rng.below(100) {
            0..=24 => self.store(inside),
            25..=44 => self.load(inside),
            45..=54 => self.pwrite(anywhere),
            55..=63 => self.pread(anywhere),
            64..=67 => self.copy_in(tail),
            68..=70 => self.copy_out(tail),
            71..=76 => self.sync(inside),
            77..=82 => self.punch(anywhere),
            83 | 84 => self.punch_huge(),
            85 | 86 => self.zero(anywhere),
            87 | 88 => self.truncate(tail),
            89..=92 => self.send(inside),
            93..=95 => self.receive(inside),
            96 | 97 => self.hold(inside),
            _ if self.number == 0 => self.share(),
            _ => self.forget(inside),
        }
    }

    fn view(&mut self) -> usize {
        self.rng.below(2)
    }

    /// The file offset of the thread's sector of a block.
    fn place(&self, block: usize) -> usize {
        block * PAGE + self.number * SECTOR
    }

    /// Makes a new stamp for the sector, in the buffer.
    fn stamp(&mut self, block: usize) -> u64 {
        self.stamps += 1;
        let stamp = (block as u64) << 40 | (self.number as u64) << 32 | self.stamps;
        for word in self.buf.bytes_mut()[..SECTOR].chunks_exact_mut(8) {
            word.copy_from_slice(&stamp.to_le_bytes());
        }
        stamp
    }

    /// Writes a new stamp to the sector by `write`, which returns whether it has written.
    fn write(
        &mut self,
        block: usize,
        write: impl FnOnce(&mut Self, usize) -> Result<bool>,
    ) -> Result {
        let stamp = self.stamp(block);
        let ended_before = self.shared.ended[block].load(SeqCst);
        if write(self, self.place(block))? {
            self.written[block] = Written {
                stamp,
                ended_before,
                begun_after: self.shared.begun[block].load(SeqCst),
            };
        }
        Ok(())
    }

    /// Reads the sector into the buffer by `read`, and checks each word.
    fn read(
        &mut self,
        what: &str,
        block: usize,
        read: impl FnOnce(&mut Self, usize) -> Result,
    ) -> Result {
        let ended = self.shared.ended[block].load(SeqCst);
        self.buf.bytes_mut()[..SECTOR].fill(0);
        read(self, self.place(block))?;
        let begun = self.shared.begun[block].load(SeqCst);
        let last = self.written[block];
        for (at, word) in self.buf.bytes()[..SECTOR].chunks_exact(8).enumerate() {
            let word = u64::from_le_bytes(word.try_into().of("word")?);
            let allowed = match word {
                0 => last.stamp == 0 || begun > last.ended_before,
                _ => word == last.stamp && ended <= last.begun_after,
            };
            if !allowed {
                return Err(format!(
                    "{what}: {word:#x} at {:#x}, written {:#x}; cleared {begun} times, \
                     {} when it was written",
                    self.place(block) + 8 * at,
                    last.stamp,
                    last.begun_after
                ));
            }
        }
        Ok(())
    }

    fn sector(&self) -> Seg {
        Seg {
            start: 0,
            len: SECTOR,
        }
    }

    fn store(&mut self, block: usize) -> Result {
        let view = self.view();
        self.write(block, |this, at| {
            this.shared.views[view].store(at, &this.buf.bytes()[..SECTOR]);
            Ok(true)
        })
    }

    fn load(&mut self, block: usize) -> Result {
        let view = self.view();
        self.read("load", block, |this, at| {
            this.shared.views[view].load(at, &mut this.buf.bytes_mut()[..SECTOR]);
            Ok(())
        })
    }

    fn pwrite(&mut self, block: usize) -> Result {
        self.write(block, |this, at| {
            let n = this.buf.pwrite(&this.shared.file, this.sector(), at as u64);
            all("pwrite", n.of("pwrite")?)
        })
    }

    fn pread(&mut self, block: usize) -> Result {
        self.read("pread", block, |this, at| {
            let sector = this.sector();
            let shared = this.shared.clone();
            // The file has no bytes behind its end.
            this.buf
                .pread(&shared.file, sector, at as u64)
                .of("pread")
                .map(|_| ())
        })
    }

    fn copy_in(&mut self, block: usize) -> Result {
        let view = self.view();
        self.write(block, |this, at| {
            match this.shared.views[view].copy_in(at, &this.buf.bytes()[..SECTOR]) {
                Err(e) if e.raw_os_error() == Some(EFAULT) => Ok(false),
                n => all("process_vm_writev", n.of("process_vm_writev")?),
            }
        })
    }

    fn copy_out(&mut self, block: usize) -> Result {
        let view = self.view();
        self.read("process_vm_readv", block, |this, at| {
            let into = &mut this.buf.bytes_mut()[..SECTOR];
            match this.shared.views[view].copy_out(at, into) {
                Err(e) if e.raw_os_error() == Some(EFAULT) => Ok(()),
                n => n.of("process_vm_readv").map(|_| ()),
            }
        })
    }

    fn sync(&mut self, block: usize) -> Result {
        match self.rng.below(4) {
            0 => self.shared.file.sync_all().of("fsync"),
            1 => self.shared.file.sync_data().of("fdatasync"),
            _ => {
                let view = self.view();
                let len = (PAGE << self.rng.below(9)).min(BODY - block * PAGE);
                self.shared.views[view].sync(block * PAGE, len).of("msync")
            }
        }
    }

    fn punch(&mut self, first: usize) -> Result {
        let blocks = (1 + self.rng.below(16)).min(BLOCKS - first);
        let mode = ffi::FALLOC_PUNCH_HOLE | ffi::FALLOC_KEEP_SIZE;
        self.allocate(mode, first, blocks)
    }

    fn zero(&mut self, first: usize) -> Result {
        let blocks = (1 + self.rng.below(64)).min(BLOCKS - first);
        let mode = ffi::FALLOC_ZERO_RANGE | ffi::FALLOC_KEEP_SIZE;
        self.allocate(mode, first, blocks)
    }

    /// Punches 2 MiB and allocates blocks that a 2 MiB entry can map.
    fn punch_huge(&mut self) -> Result {
        let off = self.rng.below(BODY / HUGE) * HUGE;
        let mode = ffi::FALLOC_PUNCH_HOLE | ffi::FALLOC_KEEP_SIZE;
        self.allocate(mode, off / PAGE, HUGE / PAGE)?;
        ffi::file_allocate(&self.shared.file, 0, off as u64, HUGE as u64).of("fallocate")
    }

    fn allocate(&mut self, mode: i32, first: usize, blocks: usize) -> Result {
        let (off, len) = ((first * PAGE) as u64, (blocks * PAGE) as u64);
        let shared = &self.shared;
        shared
            .clear(first, blocks, || {
                ffi::file_allocate(&shared.file, mode, off, len)
            })
            .of(format!("fallocate {mode} {len:#x} at {off:#x}"))
    }

    /// Shortens the file and restores its length, first by writes, which unlike truncation do not
    /// exclude faults. All of this clears: a store behind the end of the file, in its last block,
    /// is lost.
    fn truncate(&mut self, first: usize) -> Result {
        let shared = self.shared.clone();
        let Ok(_alone) = shared.truncation.lock() else {
            return Err("another thread has panicked".into());
        };
        let resize = |len: usize| shared.file.set_len(len as u64).of("truncate");
        shared.clear(first, BLOCKS - first, || {
            resize(first * PAGE)?;
            (first..BLOCKS)
                .take(APPENDED)
                .try_for_each(|block| self.pwrite(block))?;
            resize(WHOLE)
        })
    }

    /// The offset of the thread's sector of the device.
    fn slot(&self) -> u64 {
        (self.number * PAGE) as u64
    }

    /// Direct I/O from the mapping: writes the sector to the device and checks it there.
    fn send(&mut self, block: usize) -> Result {
        let view = self.view();
        self.read("direct write", block, |this, at| {
            let shared = this.shared.clone();
            let n = shared.views[view].send(at, SECTOR, &shared.device, this.slot());
            all("direct write", n.of("direct write")?)?;
            let (sector, slot) = (this.sector(), this.slot());
            let n = this.buf.pread(&shared.device, sector, slot);
            all("direct read", n.of("direct read")?).map(|_| ())
        })
    }

    /// Direct I/O to the mapping.
    fn receive(&mut self, block: usize) -> Result {
        let view = self.view();
        self.write(block, |this, at| {
            let (shared, slot) = (&this.shared, this.slot());
            let n = this.buf.pwrite(&shared.device, this.sector(), slot);
            all("direct write", n.of("direct write")?)?;
            let n = shared.views[view].receive(at, SECTOR, &shared.device, slot);
            all("direct read", n.of("direct read")?)
        })
    }

    /// A pipe references the page for a while. Meanwhile this thread must not wait for a lock,
    /// because the lock's holder may wait for the page.
    fn hold(&mut self, block: usize) -> Result {
        let view = self.view();
        let pause = self.rng.below(3000) as u64;
        self.read("pipe", block, |this, at| {
            let (mut from, to) = pipe(PAGE).of("pipe")?;
            let n = this.shared.views[view].splice(at, SECTOR, &to);
            all("vmsplice", n.of("vmsplice")?)?;
            std::thread::sleep(Duration::from_micros(pause));
            let into = &mut this.buf.bytes_mut()[..SECTOR];
            std::io::Read::read_exact(&mut from, into).of("pipe")
        })
    }

    /// Clones all blocks to another file, so that writes have to copy them.
    fn share(&mut self) -> Result {
        let shared = &self.shared;
        // A file with a partial last block can be cloned only to the end of another file.
        let Ok(_alone) = shared.truncation.lock() else {
            return Err("another thread has panicked".into());
        };
        match &shared.clone {
            Some(clone) => clone_range(&shared.file, 0, 0, clone, 0).of("clone"),
            None => Ok(()),
        }
    }

    /// Drops the mapped pages from the page tables.
    fn forget(&mut self, block: usize) -> Result {
        let len = (PAGE << self.rng.below(11)).min(BODY - block * PAGE);
        let view = self.view();
        self.shared.views[view]
            .advise(block * PAGE, len, MADV_DONTNEED)
            .of("madvise")
    }
}

fn all(what: &str, n: usize) -> Result<bool> {
    if n == SECTOR {
        return Ok(true);
    }
    Err(format!("{what}: {n} of {SECTOR} bytes"))
}

/// Waits until all threads have ended. A thread that hangs in the kernel cannot be killed, so print
/// the kernel's stacks.
fn watch(shared: &Shared, ended: &Receiver<Result>, patience: Duration) -> Result {
    let threads = shared.steps.len();
    let (mut left, mut seen, mut since) = (threads, 0, Instant::now());
    let mut result = Ok(());
    while left > 0 {
        if let Ok(one) = ended.recv_timeout(Duration::from_millis(500)) {
            left -= 1;
            since = Instant::now();
            result = result.and(one);
        }
        let now = shared.steps.iter().map(|s| s.load(SeqCst)).min();
        if now != Some(seen) {
            (seen, since) = (now.unwrap_or(0), Instant::now());
        }
        if since.elapsed() > patience {
            let steps: Vec<u64> = shared.steps.iter().map(|s| s.load(SeqCst)).collect();
            // Blocked tasks, then all CPUs.
            for command in ["w", "l"] {
                let _ = std::fs::write("/proc/sysrq-trigger", command);
            }
            return Err(format!("no progress, operations per thread: {steps:?}"));
        }
    }
    result
}

pub fn run(args: &Args) -> Result {
    let (path, device) = (args.word(0)?, args.word(1)?);
    let threads = (args.number("threads", 4)? as usize).min(MOST_THREADS);
    let (ops, seed) = (args.number("ops", 1000)?, args.number("seed", 1)?);
    let patience = Duration::from_secs(args.number("patience", 120)?);
    let reflink = args.number("reflink", 0)? != 0;
    let shared = Arc::new(Shared::new(path, device, threads, reflink)?);
    let (end, ended) = channel();
    for number in 0..threads {
        let (shared, end) = (shared.clone(), end.clone());
        std::thread::spawn(move || {
            let result = Thread::new(&shared, number, seed).and_then(|thread| thread.run(ops));
            if result.is_err() {
                shared.over.store(true, SeqCst);
            }
            // After a failure the receiver is gone.
            let _ = end.send(result);
        });
    }
    watch(&shared, &ended, patience).map_err(|e| format!("seed {seed}: {e}"))?;
    println!("{threads} threads, {ops} operations each, seed {seed}");
    Ok(())
}

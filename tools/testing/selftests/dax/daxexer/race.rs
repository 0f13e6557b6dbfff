// SPDX-License-Identifier: GPL-2.0

//! Truncation, hole punching and allocation against accesses by mappings and system calls.
//!
//! Whatever the order of events, each byte of a file is zero or has the content of its own offset.
//! Content of another offset or file would mean that a thread used a block after it was freed. The
//! test checks bytes, not words, because another thread may read a word of which `rep movsb` has
//! stored only a part. The threads access mappings by process_vm_readv and process_vm_writev, which
//! reference the pages while they copy, and fail beyond the end of the file.

use crate::data::{pattern, Rng};
use crate::ffi::view::{Sharing, View, HUGE, PROT_READ, PROT_WRITE};
use crate::ffi::{self, Area, Seg, PAGE};
use crate::{open, Args, Context, Result};
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::Arc;
use std::time::Duration;

/// How long a fault or a truncation may take at most.
const PATIENCE: Duration = Duration::from_secs(60);
const MOST: usize = 64 << 10;

struct Race {
    file: File,
    view: View,
    seed: u64,
    len: usize,
    /// Threads also allocate unwritten blocks.
    unwritten: bool,
    over: AtomicBool,
    ops: AtomicU64,
}

#[derive(Clone, Copy)]
enum Kind {
    Cut,
    Call,
    Map,
    Forget,
}

impl Race {
    fn new(path: &str, seed: u64, len: usize, unwritten: bool) -> Result<Self> {
        let file = open(path, true, 0)?;
        file.set_len(len as u64).of(path)?;
        let prot = PROT_READ | PROT_WRITE;
        let view = View::new(&file, 0, len, Sharing::Shared, prot, 0).of("mmap")?;
        Ok(Self {
            file,
            view,
            seed,
            len,
            unwritten,
            over: AtomicBool::new(false),
            ops: AtomicU64::new(0),
        })
    }

    /// Returns a random range of whole words.
    fn range(&self, rng: &mut Rng) -> (usize, usize) {
        let len = 8 * (1 + rng.below(MOST / 8));
        let len = if rng.below(2) == 0 { PAGE } else { len };
        let off = 8 * rng.below((self.len - len) / 8);
        match rng.below(2) {
            0 => (off / PAGE * PAGE, len),
            _ => (off, len),
        }
    }

    /// Checks that every byte is zero or has the content of its offset.
    fn judge(&self, what: &str, off: usize, got: &[u8]) -> Result {
        let mut want = vec![0; got.len()];
        pattern(self.seed, off as u64, &mut want);
        let wrong = |(got, want): (&u8, &u8)| got != want && *got != 0;
        match got.iter().zip(&want).position(wrong) {
            None => Ok(()),
            Some(i) => {
                let word = i / 8 * 8..got.len().min(i / 8 * 8 + 8);
                Err(format!(
                    "{what} at {:#x}: {:x?} instead of zeroes or {:x?}",
                    off + word.start,
                    &got[word.clone()],
                    &want[word]
                ))
            }
        }
    }

    fn cut(&self, rng: &mut Rng) -> Result {
        let (off, len) = self.range(rng);
        let size = self.len as u64;
        match rng.below(6) {
            0 => self.file.set_len(off as u64).of("truncate")?,
            1 => self
                .file
                .set_len((off / HUGE * HUGE) as u64)
                .of("truncate")?,
            2 if self.unwritten => {
                ffi::file_allocate(&self.file, ffi::FALLOC_ZERO_RANGE, off as u64, len as u64)
                    .of("zero range")?
            }
            2 | 3 => self.file.sync_data().of("fsync")?,
            4 => ffi::file_allocate(
                &self.file,
                ffi::FALLOC_PUNCH_HOLE | ffi::FALLOC_KEEP_SIZE,
                (off / HUGE * HUGE) as u64,
                HUGE as u64,
            )
            .of("punch of 2 MiB")?,
            _ => ffi::file_allocate(
                &self.file,
                ffi::FALLOC_PUNCH_HOLE | ffi::FALLOC_KEEP_SIZE,
                off as u64,
                len as u64,
            )
            .of("punch")?,
        }
        match rng.below(3) {
            0 if self.unwritten => ffi::file_allocate(&self.file, 0, 0, size).of("allocate"),
            _ => self.file.set_len(size).of("truncate"),
        }
    }

    fn call(&self, rng: &mut Rng, area: &mut Area) -> Result {
        let (off, len) = self.range(rng);
        let seg = Seg { start: 0, len };
        if rng.below(2) == 0 {
            pattern(self.seed, off as u64, &mut area.bytes_mut()[..len]);
            let n = area.pwrite(&self.file, seg, off as u64).of("pwrite")?;
            return if n == len {
                Ok(())
            } else {
                Err(format!("pwrite: {n} of {len} bytes"))
            };
        }
        let n = area.pread(&self.file, seg, off as u64).of("pread")?;
        self.judge("pread", off, &area.bytes()[..n])
    }

    fn map(&self, rng: &mut Rng, buf: &mut [u8]) -> Result {
        const EFAULT: i32 = 14;
        let (off, len) = self.range(rng);
        let write = rng.below(2) == 0;
        let done = if write {
            pattern(self.seed, off as u64, &mut buf[..len]);
            self.view.copy_in(off, &buf[..len])
        } else {
            self.view.copy_out(off, &mut buf[..len])
        };
        match done {
            Ok(_) if write => Ok(()),
            Ok(n) => self.judge("mapping", off, &buf[..n]),
            Err(e) if e.raw_os_error() == Some(EFAULT) => Ok(()),
            Err(e) => Err(format!("mapping: {e}")),
        }
    }

    /// Drops pages from the page tables, and whole page tables.
    fn forget(&self) -> Result {
        const MADV_DONTNEED: i32 = 4;
        self.view.advise(0, self.len, MADV_DONTNEED).of("madvise")
    }

    fn thread(&self, kind: Kind, mut rng: Rng) -> Result {
        let mut area = Area::new(MOST).of("buffer")?;
        while !self.over.load(Ordering::Relaxed) {
            match kind {
                Kind::Cut => self.cut(&mut rng)?,
                Kind::Call => self.call(&mut rng, &mut area)?,
                Kind::Map => self.map(&mut rng, area.bytes_mut())?,
                Kind::Forget => self.forget()?,
            }
            self.ops.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Checks the final content, by system calls and by the mapping.
    fn settle(&self) -> Result {
        self.file.set_len(self.len as u64).of("truncate")?;
        let mut area = Area::new(MOST).of("buffer")?;
        let mut buf = vec![0; MOST];
        for off in (0..self.len).step_by(MOST) {
            let seg = Seg {
                start: 0,
                len: MOST,
            };
            area.pread(&self.file, seg, off as u64).of("pread")?;
            self.judge("what is left", off, area.bytes())?;
            self.view.load(off, &mut buf);
            if area.bytes() != buf {
                return Err(format!("at {off:#x} the mapping differs from pread"));
            }
        }
        Ok(())
    }
}

fn spawn(race: &Arc<Race>, kind: Kind, seed: u64, ended: &Sender<Result>) {
    let (race, ended) = (race.clone(), ended.clone());
    std::thread::spawn(move || {
        let result = race.thread(kind, Rng::new(seed));
        race.over.fetch_or(result.is_err(), Ordering::Relaxed);
        // If another thread has failed, the receiver is gone.
        let _ = ended.send(result);
    });
}

fn kinds(names: &str) -> Result<Vec<Kind>> {
    let kind = |name| match name {
        "cut" => Ok(Kind::Cut),
        "call" => Ok(Kind::Call),
        "map" => Ok(Kind::Map),
        "forget" => Ok(Kind::Forget),
        _ => Err(format!("--kinds {names}: cut, call, map, forget")),
    };
    names.split(',').map(kind).collect()
}

pub fn run(args: &Args) -> Result {
    let dir = args.word(0)?;
    let (secs, seed) = (args.number("secs", 3)?, args.number("seed", 1)?);
    let unwritten = match args.text("blocks", "any") {
        "any" => true,
        "written" => false,
        other => return Err(format!("--blocks {other}: any, written")),
    };
    let race = |i: u64| Race::new(&format!("{dir}/race.{i}"), 100 + i, 3 * HUGE, unwritten);
    let races: Result<Vec<Arc<Race>>> = (0..2).map(|i| race(i).map(Arc::new)).collect();
    let races = races?;
    let (ended, ends) = channel();
    let kinds = kinds(args.text("kinds", "cut,call,map"))?;
    for (i, race) in races.iter().enumerate() {
        for (j, kind) in kinds.iter().enumerate() {
            spawn(race, *kind, seed + (10 * i + j) as u64, &ended);
        }
    }
    std::thread::sleep(Duration::from_secs(secs));
    for race in &races {
        race.over.store(true, Ordering::Relaxed);
    }
    for _ in 0..races.len() * kinds.len() {
        ends.recv_timeout(PATIENCE)
            .map_err(|_| "a thread hangs".to_string())??;
    }
    for race in &races {
        race.settle()?;
        println!(
            "seed {}: {} operations",
            race.seed,
            race.ops.load(Ordering::Relaxed)
        );
    }
    Ok(())
}

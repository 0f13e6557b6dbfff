// SPDX-License-Identifier: GPL-2.0

//! Stores, writes and reads that meet at blocks which have never been written.
//!
//! The first task that comes has the filesystem zero such a block. All others must find it zeroed: the
//! zeroes would wipe out a store or a write that came before, and a read would get what the block
//! held for its last owner.
//!
//! The threads go through the file page by page, and begin each page at the same time. Each thread
//! that changes the file has its own word in each page, so none overwrites the word of another.

use crate::data::pattern;
use crate::ffi::view::{Sharing, View, PROT_READ, PROT_WRITE};
use crate::ffi::{self, Area, Seg, PAGE};
use crate::{open, Args, Context, Result};
use std::fs::{remove_file, File};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const WORD: usize = 8;
/// The distance between the words of two threads.
const STRIDE: usize = 0x400;

/// What a thread does with each page.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A store through the mapping.
    Store,
    Write,
    Read,
    /// Makes the page unwritten again, before the others come to it.
    Zero,
    /// Gives the page a hole, and then new blocks, before the others come to it.
    Punch,
}

impl Kind {
    /// How many pages the thread is ahead of the others.
    fn lead(self) -> usize {
        usize::from(matches!(self, Self::Zero | Self::Punch))
    }
}

/// What the pages of the file are at first.
#[derive(Clone, Copy)]
enum Blocks {
    Unwritten,
    Holes,
}

/// Lets threads begin each page together.
struct Pace {
    threads: usize,
    arrived: AtomicUsize,
    failed: AtomicBool,
}

impl Pace {
    /// Waits until all threads have come to this turn; false if one of them has failed.
    fn keep(&self, turn: usize) -> bool {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        while self.arrived.load(Ordering::Acquire) < self.threads * (turn + 1) {
            if self.failed.load(Ordering::Relaxed) {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }
}

struct Round<'a> {
    file: &'a File,
    view: View,
    kinds: &'a [Kind],
    seed: u64,
    pages: usize,
    pace: Pace,
}

impl Round<'_> {
    fn word(&self, off: usize) -> [u8; WORD] {
        let mut word = [0; WORD];
        pattern(self.seed, off as u64, &mut word);
        word
    }

    /// The word that a thread leaves at `off` of the file, and what it is called.
    fn word_at(&self, off: usize) -> Option<([u8; WORD], &'static str)> {
        let in_page = off % PAGE;
        if in_page % STRIDE != 0 {
            return None;
        }
        match self.kinds.get(in_page / STRIDE)? {
            Kind::Store => Some((self.word(off), "store")),
            Kind::Write => Some((self.word(off), "write")),
            Kind::Read | Kind::Zero | Kind::Punch => None,
        }
    }

    /// Checks that a page has only zeroes and the words of the threads: all of these if it is
    /// `complete`. A read at the same time may see any bytes of a word.
    fn judge(&self, page: usize, bytes: &[u8], complete: bool) -> Result {
        for (i, got) in bytes.chunks_exact(WORD).enumerate() {
            let off = page * PAGE + i * WORD;
            let (want, what) = self.word_at(off).unwrap_or(([0; WORD], "zero"));
            if complete && want != [0; WORD] && got == [0; WORD] {
                return Err(format!("the {what} at {off:#x} is lost"));
            }
            let good = |(got, want): (&u8, &u8)| got == want || (*got == 0 && !complete);
            if !got.iter().zip(&want).all(good) {
                return Err(format!("at {off:#x} is {got:x?}, which no thread wrote"));
            }
        }
        Ok(())
    }

    fn act(&self, index: usize, page: usize, area: &mut Area) -> Result {
        let (start, off) = (page * PAGE, page * PAGE + index * STRIDE);
        let allocate = |mode| ffi::file_allocate(self.file, mode, start as u64, PAGE as u64);
        match self.kinds[index] {
            Kind::Store => self.view.store(off, &self.word(off)),
            Kind::Write => {
                area.bytes_mut()[..WORD].copy_from_slice(&self.word(off));
                let seg = Seg {
                    start: 0,
                    len: WORD,
                };
                area.pwrite(self.file, seg, off as u64).of("pwrite")?;
            }
            Kind::Read => {
                let seg = Seg {
                    start: 0,
                    len: PAGE,
                };
                area.pread(self.file, seg, start as u64).of("pread")?;
                self.judge(page, area.bytes(), false).of("pread")?;
            }
            Kind::Zero => allocate(ffi::FALLOC_ZERO_RANGE).of("zero range")?,
            Kind::Punch => {
                allocate(ffi::FALLOC_PUNCH_HOLE | ffi::FALLOC_KEEP_SIZE).of("punch")?;
                allocate(0).of("allocate")?;
            }
        }
        Ok(())
    }

    fn thread(&self, index: usize) -> Result {
        let mut area = Area::new(PAGE).of("buffer")?;
        let lag = 1 - self.kinds[index].lead();
        for turn in 0..=self.pages {
            if !self.pace.keep(turn) {
                break;
            }
            let Some(page) = turn.checked_sub(lag).filter(|page| *page < self.pages) else {
                continue;
            };
            let done = self.act(index, page, &mut area);
            self.pace.failed.fetch_or(done.is_err(), Ordering::Relaxed);
            done?;
        }
        Ok(())
    }

    fn run(&self) -> Result {
        let results: Vec<Result> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.kinds.len())
                .map(|index| scope.spawn(move || self.thread(index)))
                .collect();
            let ended = |thread: std::thread::ScopedJoinHandle<'_, Result>| {
                thread
                    .join()
                    .unwrap_or(Err("a thread panicked".to_string()))
            };
            threads.into_iter().map(ended).collect()
        });
        results.into_iter().collect::<Result>()?;
        let mut bytes = vec![0; PAGE];
        for page in 0..self.pages {
            self.view.load(page * PAGE, &mut bytes);
            self.judge(page, &bytes, true)?;
        }
        Ok(())
    }
}

/// Fills blocks that the next file is to get, and frees them.
fn soil(path: &str, seed: u64, len: usize) -> Result {
    let file = open(path, true, 0)?;
    let mut area = Area::new(len).of("buffer")?;
    pattern(seed, 0, area.bytes_mut());
    area.pwrite(&file, Seg { start: 0, len }, 0).of("pwrite")?;
    drop(file);
    let directory = File::open(path.rsplit_once('/').map_or(".", |(parent, _)| parent)).of(path)?;
    remove_file(path).of(path)?;
    directory.sync_all().of("fsync")
}

fn kinds(names: &str) -> Result<Vec<Kind>> {
    let kind = |name| match name {
        "store" => Ok(Kind::Store),
        "write" => Ok(Kind::Write),
        "read" => Ok(Kind::Read),
        "zero" => Ok(Kind::Zero),
        "punch" => Ok(Kind::Punch),
        _ => Err(format!("--kinds {names}: store, write, read, zero, punch")),
    };
    let kinds: Vec<Kind> = names.split(',').map(kind).collect::<Result<_>>()?;
    if kinds.len() > PAGE / STRIDE {
        return Err(format!(
            "--kinds {names}: at most {} threads",
            PAGE / STRIDE
        ));
    }
    Ok(kinds)
}

pub fn run(args: &Args) -> Result {
    let path = format!("{}/fresh", args.word(0)?);
    let kinds = kinds(args.text("kinds", "store,write"))?;
    let blocks = match args.text("blocks", "unwritten") {
        "unwritten" => Blocks::Unwritten,
        "holes" => Blocks::Holes,
        other => return Err(format!("--blocks {other}: unwritten, holes")),
    };
    let len = args.number("len", 2 << 20)? as usize / PAGE * PAGE;
    let shift = args.number("shift", 0)? as usize;
    let (rounds, seed) = (args.number("rounds", 10)?, args.number("seed", 1)?);
    for round in 0..rounds {
        soil(&path, seed + 2 * round + 1, len)?;
        let file = open(&path, true, 0)?;
        match blocks {
            Blocks::Unwritten => ffi::file_allocate(&file, 0, 0, len as u64).of("allocate")?,
            Blocks::Holes => file.set_len(len as u64).of("truncate")?,
        }
        let prot = PROT_READ | PROT_WRITE;
        let view = View::new(&file, 0, len, Sharing::Shared, prot, shift).of("mmap")?;
        let pace = Pace {
            threads: kinds.len(),
            arrived: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
        };
        Round {
            file: &file,
            view,
            kinds: &kinds,
            seed: seed + 2 * round,
            pages: len / PAGE,
            pace,
        }
        .run()
        .of(format!("round {round}"))?;
        remove_file(&path).of(&path)?;
    }
    Ok(())
}

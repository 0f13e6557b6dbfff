// SPDX-License-Identifier: GPL-2.0

//! A page of a file gets poison under threads that read, write and map it, and a write clears it.
//!
//! Each thread knows the phases in which its operation began and ended. While the page is bad, an
//! operation on it has to fail; at other times and on other pages it has to succeed. An operation
//! that overlaps a change of the phase may do either.

use crate::data::{compare, pattern, Rng};
use crate::ffi::{Area, Map, Seg, PAGE};
use crate::{open, Args, Context, Result};
use std::fs::{self, File};
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

const SEED: u64 = 12;
const PAGES: usize = 64;
const WORKERS: usize = 4;

/// The phase, modulo 4, in which the page is bad. In phase 0 it is good, in 1 and 3 about to
/// change.
const BAD: usize = 2;

struct Page {
    file: File,
    /// The number of the page that gets poison.
    bad: usize,
    phase: AtomicUsize,
    done: [AtomicU64; WORKERS],
    stop: AtomicUsize,
}

impl Page {
    fn content(page: usize, buf: &mut [u8]) {
        pattern(SEED, (page * PAGE) as u64, buf);
    }

    /// Runs `work` on a page and judges its result.
    fn attempt(&self, page: usize, work: impl FnOnce() -> io::Result<()>) -> Result {
        let before = self.phase.load(SeqCst);
        let done = work();
        let after = self.phase.load(SeqCst);
        let changing = before != after || before % 2 == 1;
        let bad = page == self.bad && before % 4 == BAD;
        match done {
            _ if changing && page == self.bad => Ok(()),
            Ok(()) if bad => Err(format!("page {page} is bad, but the operation succeeded")),
            Err(e) if !bad => Err(format!("page {page} is good: {e}")),
            // EIO of read() and write(); EFAULT and EHWPOISON of calls that fault the page in
            Err(e) if !matches!(e.raw_os_error(), Some(5 | 14 | 133)) => Err(format!("{e}")),
            _ => Ok(()),
        }
    }

    fn read(&self, page: usize, buf: &mut Area) -> io::Result<()> {
        let seg = Seg {
            start: 0,
            len: PAGE,
        };
        buf.pread(&self.file, seg, (page * PAGE) as u64)?;
        same(page, &buf.bytes()[..PAGE])
    }

    /// Loads from a new mapping, so that the load faults.
    fn load(&self, page: usize, buf: &mut Area) -> io::Result<()> {
        let map = Map::read_only(&self.file, (page * PAGE) as u64, PAGE)?;
        map.populate()?;
        map.read(0, &mut buf.bytes_mut()[..PAGE]);
        same(page, &buf.bytes()[..PAGE])
    }

    fn write(&self, page: usize, buf: &mut Area, seg: Seg) -> io::Result<()> {
        Self::content(page, &mut buf.bytes_mut()[..PAGE]);
        let off = page * PAGE + seg.start;
        match buf.pwrite(&self.file, seg, off as u64)? {
            n if n == seg.len => Ok(()),
            _ => Err(io::Error::from_raw_os_error(5)),
        }
    }

    fn work(&self, kind: usize) -> Result {
        let mut rng = Rng::new(kind as u64);
        let mut buf = Area::new(PAGE).of("buffer")?;
        while self.stop.load(SeqCst) == 0 {
            let page = match rng.below(2) {
                0 => self.bad,
                _ => rng.below(PAGES),
            };
            match kind {
                0 => self.attempt(page, || self.read(page, &mut buf))?,
                1 => self.attempt(page, || self.load(page, &mut buf))?,
                // a write of a part cannot keep the rest of the page, and fails
                2 => {
                    let seg = Seg {
                        start: 64,
                        len: 512,
                    };
                    self.attempt(page, || self.write(page, &mut buf, seg))?;
                }
                // a write of the whole bad page would clear its poison: write another page
                _ => {
                    let page = if page == self.bad {
                        (page + 1) % PAGES
                    } else {
                        page
                    };
                    let seg = Seg {
                        start: 0,
                        len: PAGE,
                    };
                    self.attempt(page, || self.write(page, &mut buf, seg))?;
                }
            }
            self.done[kind].fetch_add(1, SeqCst);
        }
        Ok(())
    }

    /// Changes the page by `change`, and waits until every thread has run `ops` operations more.
    fn next(&self, change: impl FnOnce() -> Result, ops: u64, patience: Duration) -> Result {
        self.phase.fetch_add(1, SeqCst);
        change()?;
        self.phase.fetch_add(1, SeqCst);
        let end = Instant::now() + patience;
        let goal: Vec<u64> = self.done.iter().map(|n| n.load(SeqCst) + ops).collect();
        while self
            .done
            .iter()
            .zip(&goal)
            .any(|(n, goal)| n.load(SeqCst) < *goal)
        {
            if self.stop.load(SeqCst) != 0 {
                return Ok(());
            }
            if Instant::now() > end {
                return Err("a thread makes no progress".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

/// Compares a page. The error has no errno, so [`Page::attempt`] never takes it for poison.
fn same(page: usize, got: &[u8]) -> io::Result<()> {
    let mut want = vec![0; PAGE];
    Page::content(page, &mut want);
    compare("page", (page * PAGE) as u64, got, &want).map_err(io::Error::other)
}

/// `poisoned FILE BADBLOCKS SECTOR`: SECTOR is the device's sector of the page number `--page`.
pub fn run(args: &Args) -> Result {
    let (badblocks, sector) = (args.word(1)?, args.word(2)?);
    let page = Page {
        file: open(args.word(0)?, false, 0)?,
        bad: args.number("page", 17)? as usize % PAGES,
        phase: AtomicUsize::new(0),
        done: Default::default(),
        stop: AtomicUsize::new(0),
    };
    let (rounds, ops) = (args.number("rounds", 5)?, args.number("ops", 50)?);
    let patience = Duration::from_secs(args.number("patience", 60)?);
    let poison = || fs::write(badblocks, format!("{sector} 8")).of(badblocks);
    let cure = || {
        let mut buf = Area::new(PAGE).of("buffer")?;
        let seg = Seg {
            start: 0,
            len: PAGE,
        };
        page.write(page.bad, &mut buf, seg)
            .of("a write of the bad page")
    };
    std::thread::scope(|scope| {
        let ended = |kind| {
            let result = page.work(kind);
            page.stop.fetch_add(1, SeqCst);
            result
        };
        let threads: Vec<_> = (0..WORKERS)
            .map(|kind| scope.spawn(move || ended(kind)))
            .collect();
        let mut result = Ok(());
        for _ in 0..rounds {
            let step = page.next(poison, ops, patience);
            result = step.and_then(|()| page.next(cure, ops, patience));
            if result.is_err() || page.stop.load(SeqCst) != 0 {
                break;
            }
        }
        page.stop.fetch_add(1, SeqCst);
        for thread in threads {
            result = thread.join().expect("no thread panics").and(result);
        }
        result
    })?;
    let done: Vec<u64> = page.done.iter().map(|n| n.load(SeqCst)).collect();
    println!("{rounds} rounds; reads, loads, partial and whole writes: {done:?}");
    Ok(())
}

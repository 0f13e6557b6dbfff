// SPDX-License-Identifier: GPL-2.0

//! What operations cost, in ticks of the CPU's time stamp counter. In a guest whose virtual time
//! is its instructions (QEMU's `-icount shift=0`) these are instructions.

use crate::ffi::view::{Sharing, View, HUGE, PROT_READ, PROT_WRITE};
use crate::ffi::{Area, Seg, PAGE};
use crate::{open, Args, Context, Result};
use std::fs::File;

/// Pages and huge pages that each kind of first access has for itself.
const PAGES: usize = 512;
const HUGE_PAGES: usize = 16;
/// How often what needs no fresh page is done.
const ROUNDS: usize = 512;

/// Offsets in the file. Each part begins where a huge page can.
const RW: usize = 0;
const PTE_READ: usize = HUGE;
const PTE_WRITE: usize = PTE_READ + PAGES * PAGE;
const PMD_READ: usize = PTE_WRITE + PAGES * PAGE;
const PMD_WRITE: usize = PMD_READ + HUGE_PAGES * HUGE;
const END: usize = PMD_WRITE + HUGE_PAGES * HUGE;

fn ticks() -> u64 {
    // SAFETY: Every x86_64 has it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Times of one operation.
struct Series {
    name: &'static str,
    times: Vec<u64>,
}

impl Series {
    fn new(name: &'static str) -> Self {
        // No page of the list is touched for the first time between two readings.
        let mut times = vec![1; ROUNDS];
        times.clear();
        Self { name, times }
    }

    fn time<T>(&mut self, operation: impl FnOnce() -> T) -> T {
        let start = ticks();
        let done = operation();
        self.times.push(ticks() - start);
        done
    }

    /// Interrupts and rare work make some times longer, so the mean would not repeat.
    fn print(mut self) {
        self.times.sort_unstable();
        let median = self.times[self.times.len() / 2];
        println!("count {} {median} least {}", self.name, self.times[0]);
    }
}

pub fn run(args: &Args) -> Result {
    let path = format!("{}/count", args.word(0)?);
    let file = written(&path)?;
    read_write(&file).of(&path)?;
    faults(&file)?;
    sync(&file).of(&path)?;
    drop(file);
    std::fs::remove_file(&path).of(&path)
}

/// A file all of whose blocks are written and none is mapped.
fn written(path: &str) -> Result<File> {
    let file = open(path, true, 0)?;
    crate::ffi::file_allocate(&file, 0, 0, END as u64).of("fallocate")?;
    let mut buf = Area::new(HUGE).of("buffer")?;
    buf.bytes_mut().fill(0x5a);
    let all = Seg {
        start: 0,
        len: HUGE,
    };
    for off in (0..END).step_by(HUGE) {
        if buf.pwrite(&file, all, off as u64).of(path)? != HUGE {
            return Err(format!("{path}: a short write"));
        }
    }
    file.sync_all().of(path)?;
    Ok(file)
}

fn read_write(file: &File) -> std::io::Result<()> {
    let mut buf = Area::new(PAGE)?;
    buf.bytes_mut().fill(0xa5);
    let page = Seg {
        start: 0,
        len: PAGE,
    };
    let mut read = Series::new("read-4k");
    let mut write = Series::new("write-4k");
    for round in 0..ROUNDS {
        let off = (RW + round * PAGE) as u64;
        read.time(|| buf.pread(file, page, off))?;
    }
    for round in 0..ROUNDS {
        let off = (RW + round * PAGE) as u64;
        write.time(|| buf.pwrite(file, page, off))?;
    }
    read.print();
    write.print();
    Ok(())
}

fn map(file: &File, start: usize, len: usize, shift: usize) -> Result<View> {
    let prot = PROT_READ | PROT_WRITE;
    View::new(file, start as u64, len, Sharing::Shared, prot, shift).of("mmap")
}

/// A first access to each page of a new mapping.
fn touch(name: &'static str, view: &View, step: usize, n: usize, store: bool) -> Result {
    let mut series = Series::new(name);
    for page in 0..n {
        let at = page * step;
        if store {
            series.time(|| view.poke(at, 1));
        } else {
            series.time(|| view.peek(at));
        }
    }
    let mapped = view.regions(0, PAGE).of("pagemap")?;
    let huge = mapped
        .first()
        .is_some_and(|r| r.categories & HUGE_CATEGORY != 0);
    if huge != (step == HUGE) {
        return Err(format!(
            "{name}: the page is mapped by an entry of another size"
        ));
    }
    series.print();
    Ok(())
}

/// `PAGE_IS_HUGE`
const HUGE_CATEGORY: u64 = 1 << 6;

/// With nothing known about the blocks ("first"), and with what an earlier mapping left ("again").
fn faults(file: &File) -> Result {
    let len = PAGES * PAGE;
    // one page off: no huge page fits
    let pages = |at| map(file, at, len, PAGE);
    touch("pte-read-first", &pages(PTE_READ)?, PAGE, PAGES, false)?;
    touch("pte-read-again", &pages(PTE_READ)?, PAGE, PAGES, false)?;
    touch("pte-write-first", &pages(PTE_WRITE)?, PAGE, PAGES, true)?;
    touch("pte-write-again", &pages(PTE_WRITE)?, PAGE, PAGES, true)?;
    let both = pages(PTE_WRITE)?;
    touch("pte-read-dirty", &both, PAGE, PAGES, false)?;
    touch("pte-write-after-read", &both, PAGE, PAGES, true)?;
    drop(both);

    let huge = |at| map(file, at, HUGE_PAGES * HUGE, 0);
    touch("pmd-read-first", &huge(PMD_READ)?, HUGE, HUGE_PAGES, false)?;
    touch("pmd-read-again", &huge(PMD_READ)?, HUGE, HUGE_PAGES, false)?;
    touch("pmd-write-first", &huge(PMD_WRITE)?, HUGE, HUGE_PAGES, true)?;
    touch("pmd-write-again", &huge(PMD_WRITE)?, HUGE, HUGE_PAGES, true)
}

/// One dirty page: what fsync costs, and the store after it, which faults again.
fn sync(file: &File) -> std::io::Result<()> {
    let prot = PROT_READ | PROT_WRITE;
    let view = View::new(file, PTE_READ as u64, PAGE, Sharing::Shared, prot, PAGE)?;
    view.poke(0, 1);
    file.sync_all()?;
    let mut stores = Series::new("pte-write-after-fsync");
    let mut syncs = Series::new("fsync-1-page");
    for round in 0..ROUNDS {
        stores.time(|| view.poke(0, round as u8));
        syncs.time(|| file.sync_all())?;
    }
    stores.print();
    syncs.print();
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! Faults of both sizes against page tables that come and go.
//!
//! Threads load from and store to private and shared mappings of one file, read and write it, drop
//! all its pages from the page tables (`MADV_DONTNEED`, which also frees tables without entries),
//! fork, and make guard regions for a moment in a mapping of their own. None of that is an error for
//! any access, but for one to a guard region, and the kernel has nothing to report. Each page of the
//! file has one byte of its own, which a load finds, or zero before the first store; private pages
//! have another.

use crate::data::Rng;
use crate::ffi::process::{Child, End};
use crate::ffi::view::{Sharing, View, HUGE, PROT_READ, PROT_WRITE};
use crate::ffi::PAGE;
use crate::{open, Args, Context, Result};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::Arc;
use std::time::Duration;

/// How long a thread may take at most.
const PATIENCE: Duration = Duration::from_secs(300);
const MADV_DONTNEED: i32 = 4;
const MADV_GUARD_INSTALL: i32 = 102;
const MADV_GUARD_REMOVE: i32 = 103;
const EFAULT: i32 = 14;
const PAGES: usize = HUGE / PAGE;

struct Churn {
    file: File,
    shared: View,
    private: View,
    /// A shared mapping that has guard regions now and then.
    guarded: View,
    /// The number of accesses of each thread that has a number of them.
    ops: usize,
    /// The threads with a number of accesses that have not yet ended.
    left: AtomicUsize,
    failed: AtomicBool,
}

/// What a thread does.
#[derive(Clone, Copy)]
enum Kind {
    /// Loads and stores.
    Touch(Sharing),
    /// Reads and writes by system calls.
    Call,
    /// Loads and stores where guard regions are, by system calls, which say so.
    Copy,
    /// Drops pages and page tables, until the others have ended.
    Forget(Sharing),
    /// Makes a guard region of a page, and removes it, until the others have ended.
    Guard,
    /// Forks children that load and store, until the others have ended.
    Fork,
}

impl Churn {
    fn new(path: &str, ops: usize, busy: usize) -> Result<Self> {
        let file = open(path, true, 0)?;
        // ext4 would let a load see an allocated block before it has zeroed it.
        file.write_all_at(&vec![0; HUGE], 0).of(path)?;
        let view = |sharing| {
            let prot = PROT_READ | PROT_WRITE;
            View::new(&file, 0, HUGE, sharing, prot, 0).of("mmap")
        };
        let shared = view(Sharing::Shared)?;
        // Makes an entry of 2 MiB: once there are small ones, no fault maps 2 MiB.
        shared.poke(0, Self::byte(0));
        Ok(Self {
            shared,
            private: view(Sharing::Private)?,
            guarded: view(Sharing::Shared)?,
            file,
            ops,
            left: AtomicUsize::new(busy),
            failed: AtomicBool::new(false),
        })
    }

    fn view(&self, sharing: Sharing) -> &View {
        match sharing {
            Sharing::Private => &self.private,
            _ => &self.shared,
        }
    }

    /// The byte of a page of the file.
    fn byte(page: usize) -> u8 {
        page as u8 | 1
    }

    /// The byte of a private copy of the page.
    fn copied(page: usize) -> u8 {
        Self::byte(page) & 0x7f | 2
    }

    /// Whether a load from the page may give the byte.
    fn may_have(sharing: Sharing, page: usize, byte: u8) -> bool {
        let private = sharing == Sharing::Private && byte == Self::copied(page);
        byte == 0 || byte == Self::byte(page) || private
    }

    /// Loads from a page, or stores to it. Returns whether it had what it may have. Takes no lock
    /// and allocates nothing, so that a forked child may do it.
    fn touch(&self, sharing: Sharing, rng: &mut Rng) -> bool {
        let page = rng.below(PAGES);
        let (view, off) = (self.view(sharing), page * PAGE);
        match (rng.below(2), sharing) {
            (0, Sharing::Private) => view.poke(off, Self::copied(page)),
            (0, _) => view.poke(off, Self::byte(page)),
            _ => return Self::may_have(sharing, page, view.peek(off)),
        }
        true
    }

    /// Reads a byte of a page by a system call, or writes it.
    fn call(&self, rng: &mut Rng) -> Result {
        let page = rng.below(PAGES);
        let (off, mut byte) = ((page * PAGE) as u64, [Self::byte(page)]);
        if rng.below(2) == 0 {
            return self.file.write_all_at(&byte, off).of("pwrite");
        }
        self.file.read_exact_at(&mut byte, off).of("pread")?;
        match Self::may_have(Sharing::Shared, page, byte[0]) {
            true => Ok(()),
            false => Err(format!("page {page} reads as {:#x}", byte[0])),
        }
    }

    /// Loads a byte of a page, or stores it, unless there is a guard region.
    fn copy(&self, rng: &mut Rng) -> Result {
        let page = rng.below(PAGES);
        let mut byte = [Self::byte(page)];
        let done = match rng.below(2) {
            0 => self.guarded.copy_in(page * PAGE, &byte),
            _ => self.guarded.copy_out(page * PAGE, &mut byte),
        };
        match done {
            Err(e) if e.raw_os_error() == Some(EFAULT) => Ok(()),
            Err(e) => Err(format!("process_vm: {e}")),
            Ok(_) if Self::may_have(Sharing::Shared, page, byte[0]) => Ok(()),
            Ok(_) => Err(format!("page {page} has {:#x}", byte[0])),
        }
    }

    /// Makes a guard region, removes it, and drops the page table.
    fn guard(&self, rng: &mut Rng) -> Result {
        let off = rng.below(PAGES) * PAGE;
        let advise = |off, len, advice| self.guarded.advise(off, len, advice).of("madvise");
        advise(off, PAGE, MADV_GUARD_INSTALL)?;
        advise(off, PAGE, MADV_GUARD_REMOVE)?;
        advise(0, HUGE, MADV_DONTNEED)
    }

    fn fork(&self, rng: &mut Rng) -> Result {
        let seed = rng.word();
        let child = Child::new(|| {
            let mut rng = Rng::new(seed);
            let good = (0..16).all(|_| {
                self.touch(Sharing::Private, &mut rng) && self.touch(Sharing::Shared, &mut rng)
            });
            i32::from(!good)
        });
        match child.of("fork")?.wait().of("wait")? {
            End::Exit(0) => Ok(()),
            end => Err(format!("a child ended with {end:?}")),
        }
    }

    fn step(&self, kind: Kind, rng: &mut Rng) -> Result {
        match kind {
            Kind::Touch(sharing) => match self.touch(sharing, rng) {
                true => Ok(()),
                false => Err("a page has a byte that is not its own".into()),
            },
            Kind::Call => self.call(rng),
            Kind::Copy => self.copy(rng),
            Kind::Guard => self.guard(rng),
            Kind::Forget(sharing) => {
                let view = self.view(sharing);
                view.advise(0, HUGE, MADV_DONTNEED).of("madvise")
            }
            Kind::Fork => self.fork(rng),
        }
    }

    fn thread(&self, kind: Kind, mut rng: Rng) -> Result {
        if matches!(kind, Kind::Touch(_) | Kind::Call | Kind::Copy) {
            let done = (0..self.ops)
                .take_while(|_| !self.failed.load(Ordering::Relaxed))
                .try_for_each(|_| self.step(kind, &mut rng));
            self.left.fetch_sub(1, Ordering::Relaxed);
            return done;
        }
        while self.left.load(Ordering::Relaxed) != 0 {
            self.step(kind, &mut rng)?;
        }
        Ok(())
    }
}

pub fn run(args: &Args) -> Result {
    use Sharing::{Private, Shared};
    let (ops, seed) = (args.number("ops", 10000)?, args.number("seed", 1)?);
    let kinds = [
        Kind::Touch(Private),
        Kind::Touch(Private),
        Kind::Touch(Shared),
        Kind::Touch(Shared),
        Kind::Call,
        Kind::Copy,
        Kind::Copy,
        Kind::Guard,
        Kind::Forget(Private),
        Kind::Forget(Shared),
        Kind::Fork,
    ];
    let churn = Arc::new(Churn::new(args.word(0)?, ops as usize, 7)?);
    let (end, ended) = channel();
    for (i, kind) in kinds.into_iter().enumerate() {
        let (churn, end) = (churn.clone(), end.clone());
        std::thread::spawn(move || {
            let result = churn.thread(kind, Rng::new(seed + i as u64));
            churn.failed.fetch_or(result.is_err(), Ordering::Relaxed);
            // If another thread has failed, the receiver is gone.
            let _ = end.send(result);
        });
    }
    for _ in kinds {
        let result = ended.recv_timeout(PATIENCE);
        result.map_err(|_| "a thread hangs".to_string())??;
    }
    println!("{ops} accesses of each thread, seed {seed}");
    Ok(())
}

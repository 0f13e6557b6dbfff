// SPDX-License-Identifier: GPL-2.0

//! A copy of a mapping that follows it, as a checkpoint or a migration does.
//!
//! Threads store to the mapping. Meanwhile this one asks again and again which pages have been
//! written, which write-protects them again, and copies these. When the threads have ended it does
//! so once more. If the kernel has forgotten a store, then the copy differs. Then the next round
//! begins.

use crate::data::{compare, Rng};
use crate::ffi::view::{Sharing, View, HUGE, PROT_READ, PROT_WRITE};
use crate::ffi::writes::Watch;
use crate::ffi::PAGE;
use crate::{open, Args, Context, Result};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const LEN: usize = 2 * HUGE;
/// How often the copy is brought up to date in a round, while threads store.
const UPDATES: usize = 6;
/// Stores in between, at least.
const STORES: usize = 200;
const MADV_DONTNEED: i32 = 4;

struct Followed {
    view: View,
    over: AtomicBool,
    stores: AtomicUsize,
}

impl Followed {
    /// Stores random bytes to random pages, of which there are so few that threads meet.
    fn store(&self, mut rng: Rng) {
        while !self.over.load(Ordering::SeqCst) {
            let page = rng.below(LEN / PAGE / 8) * 8;
            self.view
                .poke(page * PAGE + rng.below(PAGE), rng.word() as u8);
            self.stores.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Drops pages of the file from the page tables, and has them written back.
    fn disturb(&self, mut rng: Rng) -> Result {
        while !self.over.load(Ordering::SeqCst) {
            let off = rng.below(LEN / PAGE) * PAGE;
            let len = (PAGE << rng.below(8)).min(LEN - off);
            match rng.below(2) {
                0 => self.view.advise(off, len, MADV_DONTNEED).of("madvise")?,
                _ => self.view.sync(off, len).of("msync")?,
            }
        }
        Ok(())
    }

    /// Brings the copy up to date.
    fn update(&self, copy: &mut [u8]) -> Result {
        for region in self.view.written(0, LEN).of("PAGEMAP_SCAN")? {
            let bytes = &mut copy[region.start..region.start + region.len];
            self.view.load(region.start, bytes);
        }
        Ok(())
    }

    /// Brings the copy up to date, a few times, each after some stores.
    fn follow(&self, copy: &mut [u8]) -> Result {
        for _ in 0..UPDATES {
            self.update(copy)?;
            let seen = self.stores.load(Ordering::Relaxed);
            while self.stores.load(Ordering::Relaxed) < seen + STORES {
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// Follows threads with the copy until they have ended, and compares.
    fn round(&self, copy: &mut [u8], disturbed: bool, seed: u64) -> Result {
        self.over.store(false, Ordering::SeqCst);
        std::thread::scope(|scope| {
            for i in 0..3 {
                scope.spawn(move || self.store(Rng::new(seed + i)));
            }
            let disturber =
                disturbed.then(|| scope.spawn(move || self.disturb(Rng::new(seed + 3))));
            let followed = self.follow(copy);
            self.over.store(true, Ordering::SeqCst);
            match disturber.map(|thread| thread.join()) {
                Some(Ok(disturbed)) => followed.and(disturbed),
                Some(Err(_)) => Err("a thread has panicked".into()),
                None => followed,
            }
        })?;
        self.update(copy)?;
        let mut now = vec![0; LEN];
        self.view.load(0, &mut now);
        compare("the copy", 0, copy, &now)
    }
}

pub fn run(args: &Args) -> Result {
    let (rounds, seed) = (args.number("rounds", 4)?, args.number("seed", 1)?);
    let shift = args.number("shift", 0)? as usize;
    let sharing = match args.text("kind", "shared") {
        "shared" => Sharing::Shared,
        "private" => Sharing::Private,
        kind => return Err(format!("--kind {kind}: shared, private")),
    };
    let path = args.word(0)?;
    let file = open(path, true, 0)?;
    // ext4 would zero an allocated block after a store to it.
    file.write_all_at(&vec![0; LEN], 0).of(path)?;
    let prot = PROT_READ | PROT_WRITE;
    let view = View::new(&file, 0, LEN, sharing, prot, shift).of("mmap")?;
    view.poke(0, 0);
    let watch = Watch::new().of("userfaultfd")?;
    watch.watch(&view, 0, LEN).of("UFFDIO_REGISTER")?;

    let followed = Followed {
        view,
        over: AtomicBool::new(false),
        stores: AtomicUsize::new(0),
    };
    let mut copy = vec![0; LEN];
    for round in 0..rounds {
        // Private pages would be lost, and their stores with them.
        let disturbed = sharing == Sharing::Shared;
        followed
            .round(&mut copy, disturbed, seed + 4 * round)
            .map_err(|e| format!("round {round}: {e}"))?;
    }
    let stores = followed.stores.into_inner();
    println!("{rounds} rounds, {stores} stores");
    Ok(())
}

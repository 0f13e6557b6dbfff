// SPDX-License-Identifier: GPL-2.0

//! The possible contents of the files, during a phase and after it.
//!
//! Each thread has a view of the files: their content at the beginning of the phase, with its own
//! changes. Where no other thread changes the file, the view is exact. Elsewhere, a byte must have
//! one of its possible values: the old one, or the result of any operation of the phase.

use crate::program::PAGE;
use daxexer::data::pattern;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::Arc;

pub type Bytes = Arc<Vec<u8>>;

/// Fills `buf` with the bytes `from..` of the pattern of a seed.
pub fn fill(seed: u64, from: u64, buf: &mut [u8]) {
    let ahead = (from % 8) as usize;
    let head = ((8 - ahead) % 8).min(buf.len());
    if head != 0 {
        let mut word = [0; 8];
        pattern(seed, from - ahead as u64, &mut word);
        buf[..head].copy_from_slice(&word[ahead..ahead + head]);
    }
    if head < buf.len() {
        pattern(seed, from + head as u64, &mut buf[head..]);
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Content {
    Seed(u64),
    Zero,
    /// The content of another range, which begins there.
    Copy {
        file: usize,
        off: u64,
    },
}

/// The effect of an operation: new content of a range of a file.
#[derive(Debug)]
pub struct Effect {
    pub thread: usize,
    pub file: usize,
    pub off: u64,
    pub len: u64,
    pub content: Content,
    /// A store to a mapping has this effect; the filesystem's locks do not serialise it with
    /// writes.
    pub stored: bool,
    /// The whole effect has happened.
    pub certain: AtomicBool,
}

fn overlap(a: u64, a_len: u64, b: u64, b_len: u64) -> bool {
    a < b + b_len && b < a + a_len
}

impl Effect {
    fn covers(&self, file: usize, at: u64) -> bool {
        self.file == file && (self.off..self.off + self.len).contains(&at)
    }

    /// Applies the first `done` bytes to a view.
    pub fn apply(&self, view: &mut [Bytes], done: u64) {
        let (off, end) = (self.off as usize, (self.off + done) as usize);
        let source = match self.content {
            Content::Copy { file, off } => view[file][off as usize..(off + done) as usize].to_vec(),
            _ => Vec::new(),
        };
        let bytes = Arc::make_mut(&mut view[self.file]);
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        match self.content {
            Content::Seed(seed) => fill(seed, 0, &mut bytes[off..end]),
            Content::Zero => bytes[off..end].fill(0),
            Content::Copy { .. } => bytes[off..end].copy_from_slice(&source),
        }
    }
}

/// All possible effects of a phase.
pub struct Race {
    pub start: Vec<Bytes>,
    pub effects: Vec<Effect>,
    /// The thread that owns each file; other threads' reads of it are not checked.
    pub owner: Vec<Option<usize>>,
    /// Operations may fail halfway.
    pub violent: bool,
    /// Blocks may be shared, and then a write and a store to the same page fill the same new
    /// block: either may be lost (Documentation/deviations.rst).
    pub cow: bool,
    /// Whether the thread cannot know the content of an effect, because others change its source.
    inexact: Vec<bool>,
}

impl Race {
    pub fn new(start: Vec<Bytes>, effects: Vec<Effect>, owner: Vec<Option<usize>>) -> Self {
        let mut race = Self {
            start,
            effects,
            owner,
            violent: false,
            cow: false,
            inexact: Vec::new(),
        };
        race.find_inexact();
        race
    }

    fn find_inexact(&mut self) {
        self.inexact = vec![false; self.effects.len()];
        loop {
            let next: Vec<bool> = self.effects.iter().map(|e| self.is_inexact(e)).collect();
            if next == self.inexact {
                return;
            }
            self.inexact = next;
        }
    }

    fn is_inexact(&self, effect: &Effect) -> bool {
        let Content::Copy { file, off } = effect.content else {
            return false;
        };
        // a store may affect its whole page
        let (from, to) = (off / PAGE * PAGE, (off + effect.len).next_multiple_of(PAGE));
        self.effects.iter().zip(&self.inexact).any(|(e, inexact)| {
            e.file == file
                && overlap(from, to - from, e.off, e.len)
                && (*inexact || e.thread != effect.thread)
        })
    }

    /// Whether different threads store to the page and change it otherwise.
    fn meet(&self, file: usize, at: u64) -> bool {
        let page = at / PAGE * PAGE;
        let in_page = || {
            self.effects
                .iter()
                .filter(move |e| e.file == file && overlap(page, PAGE, e.off, e.len))
        };
        self.cow
            && in_page()
                .filter(|e| e.stored)
                .any(|e| in_page().any(|other| !other.stored && other.thread != e.thread))
    }

    /// Whether a byte may differ from the view of `thread` or, for `None`, of the thread that
    /// changed it.
    fn is_racy(&self, thread: Option<usize>, file: usize, at: u64) -> bool {
        if self.violent {
            return true;
        }
        let mut known = thread;
        for (effect, inexact) in self.effects.iter().zip(&self.inexact) {
            if !effect.covers(file, at) {
                continue;
            }
            if *inexact || known.is_some_and(|known| known != effect.thread) {
                return true;
            }
            known = Some(effect.thread);
        }
        self.meet(file, at)
    }

    /// Whether `value` is the old value of the byte, or an operation can set it.
    fn is_possible(&self, file: usize, at: u64, value: u8, depth: usize) -> bool {
        let was = self.start[file].get(at as usize).copied().unwrap_or(0);
        was == value || self.is_made(file, at, value, depth)
    }

    fn is_made(&self, file: usize, at: u64, value: u8, depth: usize) -> bool {
        let makes = |effect: &Effect| match effect.content {
            Content::Zero => value == 0,
            Content::Seed(seed) => {
                let mut byte = [0];
                fill(seed, at - effect.off, &mut byte);
                byte[0] == value
            }
            // after four copies of copies, accept any value
            Content::Copy { .. } if depth == 4 => true,
            Content::Copy { file, off } => {
                self.is_possible(file, off + at - effect.off, value, depth + 1)
            }
        };
        let mut covering = self.effects.iter().filter(|e| e.covers(file, at));
        covering.any(makes)
    }

    /// Whether the byte can have `value` after the phase: a value that was certainly overwritten
    /// cannot return.
    fn is_left(&self, file: usize, at: u64, value: u8) -> bool {
        let covered = |e: &Effect| e.covers(file, at) && e.certain.load(Relaxed);
        if !self.violent && !self.meet(file, at) && self.effects.iter().any(covered) {
            return self.is_made(file, at, value, 0);
        }
        self.is_possible(file, at, value, 0)
    }

    /// Compares the bytes that a thread read at `off` with its view.
    pub fn check_seen(
        &self,
        thread: usize,
        view: &[Bytes],
        file: usize,
        off: u64,
        got: &[u8],
    ) -> Result<(), String> {
        let at = off as usize;
        let want = &view[file][at..at + got.len()];
        differences(file, off, got, want, |at, value| {
            self.is_racy(Some(thread), file, at) && self.is_possible(file, at, value, 0)
        })
    }

    /// Checks two ranges that the kernel reports as equal: they are equal in the thread's view, or
    /// other threads change them.
    pub fn check_same(
        &self,
        thread: usize,
        view: &[Bytes],
        (from, off): (usize, u64),
        (to, target): (usize, u64),
        len: u64,
    ) -> Result<(), String> {
        let range = |file: usize, at: u64| &view[file][at as usize..(at + len) as usize];
        differences(to, target, range(to, target), range(from, off), |at, _| {
            self.is_racy(Some(thread), to, at)
                || self.is_racy(Some(thread), from, at - target + off)
        })
    }

    /// Merges the views into the content of the file after its last changes, where only one thread
    /// changes a byte.
    pub fn merged(&self, file: usize, views: &[Vec<Bytes>]) -> Bytes {
        if let Some(owner) = self.owner[file] {
            return views[owner][file].clone();
        }
        let mut merged = self.start[file].clone();
        for effect in self.effects.iter().filter(|e| e.file == file) {
            let range = effect.off as usize..(effect.off + effect.len) as usize;
            let from = &views[effect.thread][file][range.clone()];
            Arc::make_mut(&mut merged)[range].copy_from_slice(from);
        }
        merged
    }

    /// Compares the whole file after the phase with the merged views.
    pub fn check_left(&self, file: usize, got: &[u8], merged: &[u8]) -> Result<(), String> {
        differences(file, 0, got, merged, |at, value| {
            self.owner[file].is_none()
                && self.is_racy(None, file, at)
                && self.is_left(file, at, value)
        })
    }
}

/// Compares; the error has the place and the number of differing bytes that are not `allowed`.
pub fn differences(
    file: usize,
    off: u64,
    got: &[u8],
    want: &[u8],
    allowed: impl Fn(u64, u8) -> bool,
) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!(
            "file {file}: {:#x} bytes instead of {:#x}",
            got.len(),
            want.len()
        ));
    }
    const CHUNK: usize = 4096;
    let (mut wrong, mut first) = (0, None);
    for (n, (got, want)) in got.chunks(CHUNK).zip(want.chunks(CHUNK)).enumerate() {
        if got == want {
            continue;
        }
        for (i, (got, want)) in got.iter().zip(want).enumerate() {
            let at = off + (n * CHUNK + i) as u64;
            if got != want && !allowed(at, *got) {
                wrong += 1;
                first.get_or_insert((at, *got, *want));
            }
        }
    }
    match first {
        None => Ok(()),
        Some((at, got, want)) => Err(format!(
            "file {file}: {wrong} bytes wrong, first at {at:#x}: {got:#04x} instead of {want:#04x}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(thread: usize, off: u64, len: u64, content: Content, stored: bool) -> Effect {
        Effect {
            thread,
            file: 0,
            off,
            len,
            content,
            stored,
            certain: AtomicBool::new(true),
        }
    }

    /// A race of these effects on the first of two files of two pages.
    fn race(effects: Vec<Effect>, cow: bool) -> Race {
        let start = vec![Arc::new(vec![1; 8192]), Arc::new(vec![2; 8192])];
        let mut race = Race::new(start, effects, vec![None, None]);
        race.cow = cow;
        race
    }

    fn views(race: &Race) -> Vec<Vec<Bytes>> {
        let view = |thread| {
            let mut view = race.start.clone();
            let own = race.effects.iter().filter(|e| e.thread == thread);
            own.for_each(|e| e.apply(&mut view, e.len));
            view
        };
        (0..2).map(view).collect()
    }

    fn made(seed: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        fill(seed, 0, &mut bytes);
        bytes
    }

    #[test]
    fn patterns_begin_anywhere() {
        let whole = made(3, 64);
        for from in 0..20 {
            for len in 0..20 {
                let mut part = vec![0; len];
                fill(3, from as u64, &mut part);
                assert_eq!(part, whole[from..from + len]);
            }
        }
    }

    #[test]
    fn one_thread_is_exact() {
        let race = race(vec![effect(0, 100, 50, Content::Seed(5), false)], true);
        let views = views(&race);
        let merged = race.merged(0, &views);
        let mut got = vec![1; 8192];
        got[100..150].copy_from_slice(&made(5, 50));
        assert!(race.check_left(0, &got, &merged).is_ok());
        for at in [99, 100, 149, 150, 8191] {
            let mut bad = got.clone();
            bad[at] ^= 0x55;
            assert!(race.check_left(0, &bad, &merged).is_err(), "{at}");
        }
        assert!(race.check_left(0, &[1; 8192], &merged).is_err(), "lost");
        // another thread may see the old or the new bytes, but no others
        assert!(race.check_seen(1, &views[1], 0, 90, &got[90..200]).is_ok());
        assert!(race.check_seen(1, &views[1], 0, 90, &[1; 100]).is_ok());
        assert!(race.check_seen(1, &views[1], 0, 90, &[9; 100]).is_err());
        assert!(race.check_seen(0, &views[0], 0, 90, &[1; 100]).is_err());
    }

    #[test]
    fn two_threads_leave_one_of_two() {
        let race = race(
            vec![
                effect(0, 0, 200, Content::Seed(5), false),
                effect(1, 100, 200, Content::Zero, false),
            ],
            false,
        );
        let views = views(&race);
        let merged = race.merged(0, &views);
        for second in [true, false] {
            let mut got = vec![1; 8192];
            got[200..300].fill(0);
            got[..200].copy_from_slice(&made(5, 200));
            if second {
                got[100..200].fill(0);
            }
            assert!(race.check_left(0, &got, &merged).is_ok());
            got[100..200].fill(1);
            assert!(race.check_left(0, &got, &merged).is_err(), "both are lost");
        }
    }

    #[test]
    fn a_copy_of_what_changes_is_old_or_new() {
        let mut effects = vec![
            effect(0, 0, 4096, Content::Copy { file: 1, off: 0 }, false),
            effect(1, 0, 4096, Content::Seed(5), false),
        ];
        effects[1].file = 1;
        let race = race(effects, false);
        let views = views(&race);
        let merged = race.merged(0, &views);
        for value in [made(5, 4096), vec![2; 4096]] {
            let got = [value, vec![1; 4096]].concat();
            assert!(race.check_left(0, &got, &merged).is_ok());
        }
        assert!(race.check_left(0, &[1; 8192], &merged).is_err());
    }

    #[test]
    fn stores_and_writes_in_a_shared_page_may_be_lost() {
        for cow in [true, false] {
            let race = race(
                vec![
                    effect(0, 0, 100, Content::Seed(5), true),
                    effect(1, 200, 100, Content::Seed(6), false),
                ],
                cow,
            );
            let views = views(&race);
            let lost = race.check_left(0, &[1; 8192], &race.merged(0, &views));
            assert_eq!(lost.is_ok(), cow);
        }
    }

    #[test]
    fn the_owner_is_exact_and_the_size_counts() {
        let mut race = race(vec![], true);
        race.owner[0] = Some(1);
        let mut views = views(&race);
        views[1][0] = Arc::new(vec![7; 10]);
        let merged = race.merged(0, &views);
        assert!(race.check_left(0, &[7; 10], &merged).is_ok());
        assert!(race.check_left(0, &[7; 11], &merged).is_err());
    }
}

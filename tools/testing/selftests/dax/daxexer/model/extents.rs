// SPDX-License-Identifier: GPL-2.0

//! Operations that move, share, compare or unshare whole blocks of the file.

use super::{full, Model};
use crate::data::compare;
use crate::ffi::range::{self, Dedupe};
use crate::ffi::{self, Map, PAGE};
use crate::{open, Context, Result};
use std::fs::File;

/// A clone of the whole file that was not written since.
pub(super) struct Snapshot {
    file: File,
    content: Vec<u8>,
}

impl Snapshot {
    /// Checks that the clone still has the content that its source had when it was cloned.
    fn check(&self) -> Result {
        let len = self.content.len();
        let size = self.file.metadata().of("stat")?.len();
        full("size of the clone", size as usize, len)?;
        if len == 0 {
            return Ok(());
        }
        let map = Map::read_only(&self.file, 0, len).of("mmap")?;
        let mut seen = vec![0; len];
        map.read(0, &mut seen);
        compare("clone", 0, &seen, &self.content)
    }
}

impl Model {
    /// Returns a random number of blocks to move within `blocks` blocks.
    fn block_count(&mut self, blocks: usize) -> usize {
        let most = match self.rng.below(4) {
            0 => 1,
            1 => 8,
            2 => 64,
            _ => blocks,
        };
        1 + self.rng.below(most.min(blocks))
    }

    /// Returns two ranges of whole blocks in the file, of the same length, that do not overlap.
    fn two_ranges(&mut self) -> Option<(usize, usize, usize)> {
        let blocks = self.shadow.len() / PAGE;
        if blocks < 2 {
            return None;
        }
        let len = self.block_count(blocks / 2);
        let low = self.rng.below(blocks - 2 * len + 1);
        let high = low + len + self.rng.below(blocks - 2 * len - low + 1);
        let (from, to) = match self.rng.below(2) {
            0 => (low, high),
            _ => (high, low),
        };
        Some((from * PAGE, to * PAGE, len * PAGE))
    }

    /// Checks the bytes before and behind a range, which the operation must not change.
    fn verify_around(&mut self, what: &str, off: usize, len: usize) -> Result {
        self.verify(what, off.saturating_sub(PAGE), len + 2 * PAGE)
    }

    pub(super) fn collapse(&mut self) -> Result {
        // The range must end before the last byte of the file.
        let blocks = self.shadow.len().saturating_sub(1) / PAGE;
        if blocks == 0 {
            return Ok(());
        }
        let len = self.block_count(blocks);
        let off = self.rng.below(blocks - len + 1) * PAGE;
        let len = len * PAGE;
        ffi::file_allocate(
            &self.file,
            ffi::FALLOC_COLLAPSE_RANGE,
            off as u64,
            len as u64,
        )
        .of(format!("collapse {len:#x} at {off:#x}"))?;
        self.shadow.drain(off..off + len);
        self.verify_around("after collapse", off, len)
    }

    pub(super) fn insert(&mut self) -> Result {
        let size = self.shadow.len();
        let room = self.limit.saturating_sub(size) / PAGE;
        if size == 0 || room == 0 {
            return Ok(());
        }
        let len = self.block_count(room) * PAGE;
        let off = self.rng.below(size.div_ceil(PAGE)) * PAGE;
        ffi::file_allocate(&self.file, ffi::FALLOC_INSERT_RANGE, off as u64, len as u64)
            .of(format!("insert {len:#x} at {off:#x}"))?;
        self.shadow.splice(off..off, vec![0; len]);
        self.verify_around("after insert", off, len)
    }

    pub(super) fn clone_range(&mut self) -> Result {
        let Some((from, to, len)) = self.two_ranges() else {
            return Ok(());
        };
        range::clone_range(&self.file, from as u64, len as u64, &self.file, to as u64)
            .of(format!("clone {len:#x} from {from:#x} to {to:#x}"))?;
        self.shadow.copy_within(from..from + len, to);
        self.verify_around("after clone", to, len)
    }

    pub(super) fn unshare(&mut self) -> Result {
        let Some((off, len)) = self.range_inside() else {
            return Ok(());
        };
        let mode = ffi::FALLOC_UNSHARE_RANGE | ffi::FALLOC_KEEP_SIZE;
        ffi::file_allocate(&self.file, mode, off as u64, len as u64)
            .of(format!("unshare {len:#x} at {off:#x}"))?;
        self.verify_around("after unshare", off, len)
    }

    /// Deduplicates two ranges. Half of the time they have the same bytes, and only then they may
    /// become shared.
    pub(super) fn dedupe(&mut self) -> Result {
        let Some((from, to, len)) = self.two_ranges() else {
            return Ok(());
        };
        match self.rng.below(4) {
            0 | 1 => self.copy_range(from, to, len)?,
            // one random byte differs
            2 => {
                self.copy_range(from, to, len)?;
                let at = to + self.rng.below(len);
                self.write_at(at, 1, false)?;
            }
            _ => {}
        }
        let same = self.shadow[from..from + len] == self.shadow[to..to + len];
        let what = format!("dedupe {len:#x} from {from:#x} to {to:#x}");
        let file = &self.file;
        let answer = range::dedupe_range(file, from as u64, len as u64, file, to as u64);
        let shared = match answer.of(&what)? {
            Dedupe::Same(bytes) => bytes as usize,
            Dedupe::Differs => 0,
            Dedupe::Failed(error) => return Err(format!("{what}: {error}")),
        };
        // Blocks of zeroes may be holes, which need not become shared.
        let zeroes = self.shadow[from..from + len]
            .chunks(PAGE)
            .any(|block| block.iter().all(|byte| *byte == 0));
        if !(same && zeroes && shared == 0) {
            full(&what, shared, if same { len } else { 0 })?;
        }
        self.verify_around("after dedupe", to, len)
    }

    /// Writes the bytes of one range to another.
    fn copy_range(&mut self, from: usize, to: usize, len: usize) -> Result {
        let seg = ffi::Seg { start: 0, len };
        self.buf.bytes_mut()[..len].copy_from_slice(&self.shadow[from..from + len]);
        let n = self.buf.pwrite(&self.file, seg, to as u64).of("write")?;
        self.record(to, ffi::Seg { len: n, ..seg });
        full("write", n, len)
    }

    /// Checks the clone that exists and makes a new one.
    pub(super) fn snapshot(&mut self) -> Result {
        self.check_snapshot()?;
        let path = format!("{}.clone", self.path);
        let file = open(&path, true, 0)?;
        file.set_len(0).of(&path)?;
        // Length 0 means up to the end of the file.
        range::clone_range(&self.file, 0, 0, &file, 0).of(&path)?;
        self.snapshot = Some(Snapshot {
            file,
            content: self.shadow.clone(),
        });
        self.check_snapshot()
    }

    pub(super) fn check_snapshot(&self) -> Result {
        self.snapshot.as_ref().map_or(Ok(()), Snapshot::check)
    }
}

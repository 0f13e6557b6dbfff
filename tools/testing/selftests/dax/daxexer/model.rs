// SPDX-License-Identifier: GPL-2.0

//! Random operations on files, each checked against a copy of the file in memory.

use crate::data::{compare, Fnv, Rng};
use crate::ffi::{self, Area, Map, Seg, O_DSYNC, PAGE};
use crate::{open, Args, Context, Result};
use std::fs::File;

mod extents;

pub fn run(args: &Args) -> Result {
    let dir = args.word(0)?;
    let (seed, files) = (args.number("seed", 1)?, args.number("files", 2)?);
    let (ops, size) = (
        args.number("ops", 500)?,
        args.number("size", 4 << 20)? as usize,
    );
    let reflink = args.number("reflink", 0)? != 0;
    for file in 0..files {
        let path = format!("{dir}/model.{file}");
        let mut model = Model::new(path.clone(), size, seed.wrapping_add(file), reflink)?;
        for op in 0..ops {
            model
                .step()
                .map_err(|e| format!("{path}, operation {op}, seed {seed}: {e}"))?;
            if op % 64 == 63 {
                model
                    .check_all()
                    .map_err(|e| format!("{path}, after operation {op}: {e}"))?;
            }
        }
        println!("{path}: {ops} operations, {}", model.finish()?);
    }
    Ok(())
}

/// A file, its expected content, and the random number generator.
struct Model {
    path: String,
    file: File,
    sync_file: File,
    shadow: Vec<u8>,
    limit: usize,
    rng: Rng,
    buf: Area,
    reflink: bool,
    snapshot: Option<extents::Snapshot>,
}

impl Model {
    fn new(path: String, limit: usize, seed: u64, reflink: bool) -> Result<Self> {
        let file = open(&path, true, 0)?;
        file.set_len(0).of(&path)?;
        let sync_file = open(&path, false, O_DSYNC)?;
        let buf = Area::new(limit + PAGE).of("buffer")?;
        Ok(Self {
            path,
            file,
            sync_file,
            shadow: Vec::new(),
            limit,
            rng: Rng::new(seed),
            buf,
            reflink,
            snapshot: None,
        })
    }

    /// Returns a random length: small and odd, around the size of pages, or large.
    fn length(&mut self) -> usize {
        match self.rng.below(4) {
            0 => self.rng.below(301),
            1 => PAGE * (1 + self.rng.below(3)) + self.rng.below(5) - 2,
            2 => self.rng.below(64 << 10),
            _ => self.rng.below(self.limit / 4),
        }
    }

    /// Returns a random range below the limit of the file's size.
    fn range(&mut self) -> (usize, usize) {
        let len = self.length();
        let off = self.rng.below(self.limit - len);
        (
            if self.rng.below(3) == 0 {
                off / PAGE * PAGE
            } else {
                off
            },
            len,
        )
    }

    /// Returns a random range within the file, or `None` if the file is empty.
    fn range_inside(&mut self) -> Option<(usize, usize)> {
        let (size, len) = (self.shadow.len(), self.length());
        let len = len.min(size);
        let off = if size > len {
            self.rng.below(size - len)
        } else {
            0
        };
        (len != 0).then_some((off, len))
    }

    fn step(&mut self) -> Result {
        match self.rng.below(if self.reflink { 24 } else { 18 }) {
            0..=2 => self.write(false),
            3 => self.write(true),
            4 => self.append(),
            5 => self.write_vectored(),
            6 | 7 => self.read(),
            8 => self.read_vectored(),
            9 => self.map_write(false),
            10 => self.map_write(true),
            11 => self.map_read(),
            12 => self.truncate(),
            13 => self.punch(),
            14 => self.zero(),
            15 => self.allocate(),
            16 => self.collapse(),
            17 => self.insert(),
            18 | 19 => self.clone_range(),
            20 => self.unshare(),
            21 | 22 => self.dedupe(),
            _ => self.snapshot(),
        }
    }

    /// Copies written bytes to the model; a gap before them becomes zeroes.
    fn record(&mut self, off: usize, from: Seg) {
        if from.len == 0 {
            return;
        }
        let end = off + from.len;
        if self.shadow.len() < end {
            self.shadow.resize(end, 0);
        }
        self.shadow[off..end].copy_from_slice(&self.buf.bytes()[from.start..from.start + from.len]);
    }

    /// Fills a part of the buffer with random bytes, at a random alignment.
    fn fresh(&mut self, len: usize) -> Seg {
        let start = self.rng.below(64);
        self.rng.fill(&mut self.buf.bytes_mut()[start..start + len]);
        Seg { start, len }
    }

    fn write_at(&mut self, off: usize, len: usize, sync: bool) -> Result {
        let seg = self.fresh(len);
        let file = if sync { &self.sync_file } else { &self.file };
        let n = self
            .buf
            .pwrite(file, seg, off as u64)
            .of(format!("write {len} at {off:#x}"))?;
        self.record(off, Seg { len: n, ..seg });
        full("write", n, len)?;
        self.verify("after write", off, len)
    }

    fn write(&mut self, sync: bool) -> Result {
        let (off, len) = self.range();
        self.write_at(off, len, sync)
    }

    fn append(&mut self) -> Result {
        let (off, len) = (self.shadow.len(), self.length());
        if off + len > self.limit {
            return self.truncate();
        }
        self.write_at(off, len, false)
    }

    /// Cuts `len` bytes of the buffer into up to 64 segments in shuffled order.
    fn segments(&mut self, start: usize, len: usize) -> Vec<Seg> {
        let (mut segs, mut at, end) = (Vec::new(), start, start + len);
        while at < end && segs.len() < 63 {
            let piece = (1 + self.rng.below(1 + len / 16)).min(end - at);
            segs.push(Seg {
                start: at,
                len: piece,
            });
            at += piece;
        }
        if at < end {
            segs.push(Seg {
                start: at,
                len: end - at,
            });
        }
        for i in (1..segs.len()).rev() {
            segs.swap(i, self.rng.below(i + 1));
        }
        segs
    }

    fn write_vectored(&mut self) -> Result {
        let (off, len) = self.range();
        let seg = self.fresh(len);
        let segs = self.segments(seg.start, len);
        let n = self
            .buf
            .pwritev(&self.file, &segs, off as u64)
            .of("pwritev")?;
        let mut at = off;
        for seg in segs {
            self.record(at, seg);
            at += seg.len;
        }
        full("pwritev", n, len)?;
        self.verify("after pwritev", off, len)
    }

    fn read(&mut self) -> Result {
        let (off, len) = self.range();
        self.verify("read", off, len)
    }

    /// Reads a range, which may reach beyond the end of the file, and compares it.
    fn verify(&mut self, what: &str, off: usize, len: usize) -> Result {
        let start = self.rng.below(64);
        let n = self
            .buf
            .pread(&self.file, Seg { start, len }, off as u64)
            .of(what)?;
        let from = off.min(self.shadow.len());
        let want = &self.shadow[from..(off + len).min(self.shadow.len()).max(from)];
        compare(what, off as u64, &self.buf.bytes()[start..start + n], want)
    }

    fn read_vectored(&mut self) -> Result {
        let Some((off, len)) = self.range_inside() else {
            return Ok(());
        };
        let segs = self.segments(self.limit.min(7), len);
        let n = self
            .buf
            .preadv(&self.file, &segs, off as u64)
            .of("preadv")?;
        full("preadv", n, len)?;
        let mut at = off;
        for seg in segs {
            let got = &self.buf.bytes()[seg.start..seg.start + seg.len];
            compare("preadv", at as u64, got, &self.shadow[at..at + seg.len])?;
            at += seg.len;
        }
        Ok(())
    }

    fn map_write(&mut self, synchronous: bool) -> Result {
        let Some((off, len)) = self.range_inside() else {
            return Ok(());
        };
        let seg = self.fresh(len);
        let size = self.shadow.len();
        let mut map = match synchronous {
            true => Map::synchronous(&self.file, 0, size).of("mmap with MAP_SYNC")?,
            false => Map::new(&self.file, 0, size).of("mmap")?,
        };
        map.write(off, &self.buf.bytes()[seg.start..seg.start + len]);
        map.sync(off, len).of("msync")?;
        drop(map);
        self.record(off, seg);
        self.verify("after stores through a mapping", off, len)
    }

    fn map_read(&mut self) -> Result {
        let Some((off, len)) = self.range_inside() else {
            return Ok(());
        };
        let map = Map::read_only(&self.file, 0, self.shadow.len()).of("mmap")?;
        map.read(off, &mut self.buf.bytes_mut()[..len]);
        let want = &self.shadow[off..off + len];
        compare(
            "load through a mapping",
            off as u64,
            &self.buf.bytes()[..len],
            want,
        )
    }

    fn truncate(&mut self) -> Result {
        let size = self.rng.below(self.limit);
        self.file.set_len(size as u64).of("truncate")?;
        self.shadow.resize(size, 0);
        // Errors of truncation show just before and behind the new end.
        self.verify("after truncate", size.saturating_sub(PAGE), 2 * PAGE)
    }

    fn clear(&mut self, off: usize, len: usize) {
        let end = (off + len).min(self.shadow.len());
        if off < end {
            self.shadow[off..end].fill(0);
        }
    }

    fn punch(&mut self) -> Result {
        let (off, len) = self.range();
        let mode = ffi::FALLOC_PUNCH_HOLE | ffi::FALLOC_KEEP_SIZE;
        ffi::file_allocate(&self.file, mode, off as u64, len.max(1) as u64).of("punch")?;
        self.clear(off, len.max(1));
        self.verify("after punch", off.saturating_sub(64), len + 128)
    }

    fn zero(&mut self) -> Result {
        let (off, len) = self.range();
        let len = len.max(1);
        ffi::file_allocate(&self.file, ffi::FALLOC_ZERO_RANGE, off as u64, len as u64)
            .of("zero")?;
        self.clear(off, len);
        if self.shadow.len() < off + len {
            self.shadow.resize(off + len, 0);
        }
        self.verify("after zero", off.saturating_sub(64), len + 128)
    }

    fn allocate(&mut self) -> Result {
        let (off, len) = self.range();
        let (len, keep) = (len.max(1), self.rng.below(2) == 0);
        let mode = if keep { ffi::FALLOC_KEEP_SIZE } else { 0 };
        ffi::file_allocate(&self.file, mode, off as u64, len as u64).of("fallocate")?;
        if !keep && self.shadow.len() < off + len {
            self.shadow.resize(off + len, 0);
        }
        self.verify("after fallocate", off.saturating_sub(64), len + 128)
    }

    /// Checks the size and every byte, by read() and by a mapping.
    fn check_all(&mut self) -> Result {
        let size = self.file.metadata().of("stat")?.len();
        full("file size", size as usize, self.shadow.len())?;
        self.check_snapshot()?;
        let len = self.shadow.len();
        self.verify("whole file", 0, len + 1)?;
        if len == 0 {
            return Ok(());
        }
        let map = Map::read_only(&self.file, 0, len).of("mmap")?;
        map.read(0, &mut self.buf.bytes_mut()[..len]);
        compare(
            "whole file through a mapping",
            0,
            &self.buf.bytes()[..len],
            &self.shadow,
        )
    }

    fn finish(&mut self) -> Result<String> {
        // The next boot verifies the file, which must not be empty for that.
        let len = self.limit / 2 + 77;
        self.write_at(3, len, false)?;
        self.file.sync_all().of("fsync")?;
        self.check_all()
            .map_err(|e| format!("{}: {e}", self.path))?;
        let mut sum = Fnv::new();
        sum.add(&self.shadow);
        Ok(format!(
            "{} bytes, checksum {:016x}",
            self.shadow.len(),
            sum.sum()
        ))
    }
}

fn full(what: &str, got: usize, want: usize) -> Result {
    if got == want {
        return Ok(());
    }
    Err(format!("{what}: {got} instead of {want}"))
}

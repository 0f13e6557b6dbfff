// SPDX-License-Identifier: GPL-2.0

//! User buffers that run into a page without access.
//!
//! A transfer stops at that page: it returns the number of transferred bytes, or EFAULT if there
//! were none. Bytes of the file beyond that number keep their content.

use crate::data::{compare, Rng};
use crate::ffi::{Area, Map, Seg, PAGE};
use crate::probe::errno_name;
use crate::{open, Args, Context, Result};
use std::fs::File;

/// A copy may end at a full machine word and leave out up to 7 accessible bytes.
const WORD: usize = 8;
const FILE: usize = 8 * PAGE;
/// Room for the longest transfer, and a page of guard bytes.
const BUFFER: usize = 2 * PAGE;

pub fn run(args: &Args) -> Result {
    let path = format!("{}/fault", args.word(0)?);
    let mut case = Case::new(open(&path, true, 0)?)?;
    let mut done = 0;
    for reachable in (0..=130).chain([255, 256, 257, 4000, 4095, 4096]) {
        for off in [0, 1, 3, 7, 8, 61, 64, PAGE - 1, PAGE - 64, PAGE - 70] {
            for beyond in [1, 7, 8, 64, PAGE] {
                case.write(reachable, beyond, off)?;
                case.read(reachable, beyond, off)?;
                done += 2;
            }
        }
    }
    for reachable in [0, 5, 64, 700] {
        case.append(reachable)?;
        case.write_vectored(reachable)?;
        done += 2;
    }
    case.source_is_the_file()?;
    println!("{done} faulting transfers checked");
    drop(case);
    std::fs::remove_file(&path).of(&path)
}

struct Case {
    file: File,
    shadow: Vec<u8>,
    /// The source or the target of a transfer, which ends at the last byte of this area.
    buf: Area,
    /// The content of the file, read back.
    seen: Area,
    rng: Rng,
}

impl Case {
    fn new(file: File) -> Result<Self> {
        // As long as the file after the append.
        let mut seen = Area::new(FILE + PAGE).of("buffer")?;
        let mut rng = Rng::new(4);
        rng.fill(seen.bytes_mut());
        file.set_len(0).of("truncate")?;
        seen.pwrite(
            &file,
            Seg {
                start: 0,
                len: FILE,
            },
            0,
        )
        .of("write")?;
        Ok(Self {
            file,
            shadow: seen.bytes()[..FILE].to_vec(),
            buf: Area::new(BUFFER).of("buffer")?,
            seen,
            rng,
        })
    }

    /// A segment of the last `reachable` bytes of the buffer and `beyond` bytes of the page behind
    /// it.
    fn seg(&self, reachable: usize, beyond: usize) -> Seg {
        Seg {
            start: self.buf.len() - reachable,
            len: reachable + beyond,
        }
    }

    /// The number of transferred bytes, or an error if the kernel cannot have returned this.
    fn count(what: &str, done: std::io::Result<usize>, reachable: usize) -> Result<usize> {
        match done {
            Ok(n) if n != 0 && n <= reachable && n + WORD > reachable => Ok(n),
            Ok(n) => Err(format!("{what}: {n} bytes, {reachable} can be reached")),
            Err(e) if e.raw_os_error() == Some(14) && reachable < WORD => Ok(0),
            Err(e) => Err(format!(
                "{what}: {}, {reachable} can be reached",
                errno_name(&e)
            )),
        }
    }

    fn write(&mut self, reachable: usize, beyond: usize, off: usize) -> Result {
        let what = format!("write of {reachable}+{beyond} bytes at {off:#x}");
        let seg = self.seg(reachable, beyond);
        self.rng.fill(&mut self.buf.bytes_mut()[seg.start..]);
        let done = self.buf.pwrite(&self.file, seg, off as u64);
        let n = Self::count(&what, done, reachable)?;
        self.shadow[off..off + n].copy_from_slice(&self.buf.bytes()[seg.start..seg.start + n]);
        self.check(&what)
    }

    /// Checks that the file has the content and the size of the copy in memory.
    fn check(&mut self, what: &str) -> Result {
        let all = Seg {
            start: 0,
            len: self.seen.len(),
        };
        let n = self.seen.pread(&self.file, all, 0).of(what)?;
        compare(what, 0, &self.seen.bytes()[..n], &self.shadow)
    }

    fn read(&mut self, reachable: usize, beyond: usize, off: usize) -> Result {
        const GUARD: u8 = 0xa5;
        let what = format!("read of {reachable}+{beyond} bytes at {off:#x}");
        let seg = self.seg(reachable, beyond);
        self.buf.bytes_mut().fill(GUARD);
        let done = self.buf.pread(&self.file, seg, off as u64);
        let n = Self::count(&what, done, reachable)?;
        let (before, got) = self.buf.bytes().split_at(seg.start);
        if before.iter().any(|b| *b != GUARD) {
            return Err(format!("{what}: wrote before the buffer"));
        }
        compare(&what, off as u64, &got[..n], &self.shadow[off..off + n])
    }

    /// Appends; the file grows by the transferred bytes and no further.
    fn append(&mut self, reachable: usize) -> Result {
        let what = format!("append of {reachable} bytes and a page without access");
        let seg = self.seg(reachable, PAGE);
        let off = self.shadow.len();
        self.rng.fill(&mut self.buf.bytes_mut()[seg.start..]);
        let n = Self::count(
            &what,
            self.buf.pwrite(&self.file, seg, off as u64),
            reachable,
        )?;
        self.shadow
            .extend_from_slice(&self.buf.bytes()[seg.start..seg.start + n]);
        let size = self.file.metadata().of("stat")?.len();
        if size != (off + n) as u64 {
            return Err(format!(
                "{what}: the file has {size} bytes instead of {}",
                off + n
            ));
        }
        self.check(&what)
    }

    /// Writes accessible segments, one that cannot be read to its end, and one that must stay
    /// unused.
    fn write_vectored(&mut self, reachable: usize) -> Result {
        let what = format!("pwritev whose third segment faults after {reachable} bytes");
        self.rng.fill(self.buf.bytes_mut());
        let (good, off) = (97, 1111);
        let bad = self.seg(reachable, 9);
        let first = Seg {
            start: 3,
            len: good,
        };
        let second = Seg {
            start: 1003,
            len: good,
        };
        let segs = [first, second, bad, first];
        let done = self.buf.pwritev(&self.file, &segs, off as u64);
        let n = Self::count(&what, done, 2 * good + reachable)?;
        let source: Vec<u8> = segs[..2]
            .iter()
            .flat_map(|s| &self.buf.bytes()[s.start..s.start + s.len])
            .chain(&self.buf.bytes()[bad.start..])
            .copied()
            .collect();
        self.shadow[off..off + n].copy_from_slice(&source[..n]);
        self.check(&what)
    }

    /// Writes from a mapping of the same file that is not faulted in: the write itself faults.
    fn source_is_the_file(&mut self) -> Result {
        let (from, to, len) = (PAGE + 5, 5 * PAGE + 9, 2 * PAGE);
        let map = Map::read_only(&self.file, 0, FILE).of("mmap")?;
        let n = map
            .pwrite_to(&self.file, from, len, to as u64)
            .of("write from its own mapping")?;
        if n != len {
            return Err(format!("write from its own mapping: {n} of {len} bytes"));
        }
        self.shadow.copy_within(from..from + len, to);
        self.check("write from its own mapping")
    }
}

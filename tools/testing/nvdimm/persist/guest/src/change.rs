// SPDX-License-Identifier: GPL-2.0

//! Random changes of a file's content.

use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;

use fastrand::Rng;
use rustix::fs::{fallocate, FallocateFlags};
use rustix::io::{pwritev2, ReadWriteFlags};

use crate::view::{View, PAGE};

/// The largest size of a file.
const LIMIT: usize = 16 * PAGE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Write,
    /// With `RWF_DSYNC`.
    WriteSync,
    Append,
    /// By a mapping.
    Store,
    /// By a mapping with `MAP_SYNC`; the program writes back and fences.
    StoreSync,
    /// To the size `off`.
    Truncate,
    Punch,
    Zero,
}
use Kind::*;

/// The kinds; a kind that occurs more often is more likely.
const KINDS: [Kind; 14] = [
    Write, Write, Write, WriteSync, Append, Append, Store, Store, Store, Store, StoreSync,
    Truncate, Punch, Zero,
];

/// A change of a file.
pub struct Change {
    kind: Kind,
    off: usize,
    /// The new bytes.
    data: Vec<u8>,
}

/// A random part of a file of that size, which is not 0.
pub fn part(random: &mut Rng, size: usize) -> (usize, usize) {
    let off = random.usize(..size);
    let most = *random
        .choice(&[16, 300, PAGE, 3 * PAGE])
        .expect("there are four");
    let (off, len) = match random.u32(..4) {
        0 => (off / PAGE * PAGE, most.next_multiple_of(PAGE)),
        _ => (off, 1 + random.usize(..most)),
    };
    (off, len.min(size - off))
}

impl Change {
    /// A random change of a file of that size. Its bytes derive from `number`.
    pub fn new(random: &mut Rng, size: usize, number: usize) -> Self {
        let kind = *random.choice(&KINDS).expect("there are some");
        let (off, len) = match kind {
            Write | WriteSync => part(random, (size + 2 * PAGE).min(LIMIT)),
            Append => (size, random.usize(..2 * PAGE).min(LIMIT - size)),
            Truncate => (random.usize(..LIMIT), 0),
            _ if size == 0 => (0, 0),
            _ => part(random, size),
        };
        Self::at(kind, off, len, number)
    }

    /// A change of `len` bytes at `off` by write(2).
    pub fn write(off: usize, len: usize, number: usize) -> Self {
        Self::at(Write, off, len, number)
    }

    /// A change by a mapping with `MAP_SYNC`, which the program makes durable itself.
    pub fn store_sync(off: usize, len: usize, number: usize) -> Self {
        Self::at(StoreSync, off, len, number)
    }

    fn at(kind: Kind, off: usize, len: usize, number: usize) -> Self {
        // no byte is zero, and its value depends on its offset
        let byte = |at: usize| match kind {
            Punch | Zero => 0,
            _ => ((number * 89 + at * 7 + at / 251) % 255) as u8 + 1,
        };
        Self {
            kind,
            off,
            data: (off..off + len).map(byte).collect(),
        }
    }

    /// The content of the file after the change.
    pub fn of(&self, mut content: Vec<u8>) -> Vec<u8> {
        if self.kind == Truncate {
            content.resize(self.off, 0);
        } else {
            let end = self.off + self.data.len();
            content.resize(content.len().max(end), 0);
            content[self.off..end].copy_from_slice(&self.data);
        }
        content
    }

    /// Makes the change to the file, which has that size.
    pub fn make(&self, file: &File, size: usize) -> io::Result<()> {
        let Self { kind, off, data } = self;
        let (off, len) = (*off, data.len());
        match kind {
            Truncate => file.set_len(off as u64),
            _ if data.is_empty() => Ok(()),
            Write | Append => file.write_all_at(data, off as u64),
            WriteSync => {
                let data = [IoSlice::new(data)];
                match pwritev2(file, &data, off as u64, ReadWriteFlags::DSYNC)? {
                    written if written == len => Ok(()),
                    written => Err(io::Error::other(format!("{written} bytes were written"))),
                }
            }
            Store => {
                View::new(file, 0, size)?.store(off, data);
                Ok(())
            }
            StoreSync => {
                let view = View::synchronous(file, 0, size)?;
                view.store(off, data);
                view.write_back(off, len);
                View::fence();
                Ok(())
            }
            Punch | Zero => {
                let mode = match kind {
                    Punch => FallocateFlags::PUNCH_HOLE,
                    _ => FallocateFlags::ZERO_RANGE,
                };
                let mode = mode | FallocateFlags::KEEP_SIZE;
                Ok(fallocate(file, mode, off as u64, len as u64)?)
            }
        }
    }

    /// The range of the file that is durable as soon as the change is made.
    pub fn durable(&self) -> Option<std::ops::Range<usize>> {
        let synced = matches!(self.kind, WriteSync | StoreSync) && !self.data.is_empty();
        synced.then(|| self.off..self.off + self.data.len())
    }

    /// Whether the size is durable too as soon as the change is made.
    pub fn size_is_durable(&self) -> bool {
        self.kind == WriteSync && !self.data.is_empty()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{:?} {:#x} {:#x}", self.kind, self.off, self.data.len())
    }
}

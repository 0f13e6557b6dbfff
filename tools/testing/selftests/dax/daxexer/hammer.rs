// SPDX-License-Identifier: GPL-2.0

//! I/O that continues until the device under it is removed, or the time is over.

use crate::data::{pattern, Rng};
use crate::ffi::{self, Area, Map, Seg, O_DIRECT, PAGE};
use crate::ffi::{FALLOC_KEEP_SIZE as KEEP, FALLOC_PUNCH_HOLE as PUNCH, FALLOC_ZERO_RANGE as ZERO};
use crate::probe::errno_name;
use crate::{open, Args, Context, Result};
use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

/// The seed of the content of kinds that sync, for `daxexer check --seed 8`.
const SEED: u64 = 8;

/// Makes a page durable, by store and msync(2) if there is a mapping, by write and fsync(2) if not.
fn sync_page(file: &File, map: Option<&mut Map>, page: usize, buf: &mut Area) -> io::Result<()> {
    let off = page * PAGE;
    pattern(SEED, off as u64, &mut buf.bytes_mut()[..PAGE]);
    match map {
        Some(map) => {
            map.write(off, &buf.bytes()[..PAGE]);
            map.sync(off, PAGE)
        }
        None => {
            let seg = Seg {
                start: 0,
                len: PAGE,
            };
            match buf.pwrite(file, seg, off as u64)? {
                PAGE => file.sync_all(),
                _ => Err(io::Error::from_raw_os_error(5)),
            }
        }
    }
}

/// Succeeds when the time is over or the device has been removed (EIO, ENXIO, ENODEV, EHWPOISON, or
/// the end of a device of size 0). A mapping ends with SIGBUS, which the shell sees as 135.
pub fn run(args: &Args) -> Result {
    let (kind, path) = (args.word(0)?, args.word(1)?);
    let len = args.number("len", 1 << 20)? as usize / PAGE * PAGE;
    let end = Instant::now() + Duration::from_secs(args.number("secs", 60)?);
    let flags = if kind == "direct" { O_DIRECT } else { 0 };
    let file = open(path, matches!(kind, "write" | "sync"), flags)?;
    let mut rng = Rng::new(3);
    let mut buf = Area::new(16 * PAGE).of("buffer")?;
    let mut map = match kind {
        "map" | "mapsync" => Some(Map::new(&file, 0, len).of("mmap")?),
        "read" | "write" | "direct" | "sync" | "falloc" => None,
        _ => return Err(format!("{kind}: no kind of work")),
    };
    println!("started");

    // fs-dax in C returns EFAULT if the device is removed after it has returned the address: accept
    // one EFAULT, the next operation gets the right error.
    let mut excuse = args.number("strict", 0)? == 0;
    let mut ops = 0u64;
    while Instant::now() < end {
        let page = rng.below(len / PAGE);
        let pages = (1 + rng.below(16)).min(len / PAGE - page);
        let off = (page * PAGE) as u64;
        let seg = Seg {
            start: 0,
            len: pages * PAGE,
        };
        let done = match (&mut map, kind) {
            (_, "sync" | "mapsync") => {
                let page = ops as usize % (len / PAGE);
                sync_page(&file, map.as_mut(), page, &mut buf).map(|()| {
                    println!("synced {}", ops + 1);
                    seg.len
                })
            }
            (Some(map), _) => {
                let old = map.peek(page * PAGE);
                map.poke(page * PAGE, old.wrapping_add(1));
                Ok(seg.len)
            }
            (None, "falloc") => {
                let mode = [0, 0, KEEP | PUNCH, ZERO][rng.below(4)];
                ffi::file_allocate(&file, mode, off, seg.len as u64).map(|()| seg.len)
            }
            (None, "write") => buf.pwrite(&file, seg, off),
            (None, "direct") if ops % 2 == 0 => buf.pwrite(&file, seg, off),
            (None, _) => buf.pread(&file, seg, off),
        };
        match done {
            Ok(n) if n == seg.len => ops += 1,
            Ok(n) => {
                println!("{kind}: {n} of {} bytes after {ops} operations", seg.len);
                return Ok(());
            }
            Err(e) if matches!(e.raw_os_error(), Some(5 | 6 | 19 | 28 | 30 | 117 | 133)) => {
                println!("{kind}: {} after {ops} operations", errno_name(&e));
                return Ok(());
            }
            Err(e) if e.raw_os_error() == Some(14) && excuse => excuse = false,
            Err(e) => return Err(format!("{kind}: {e} after {ops} operations")),
        }
    }
    println!("{kind}: time over after {ops} operations");
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! I/O that goes on until the device goes away under it, or the time is over.

use crate::data::Rng;
use crate::ffi::{Area, Map, Seg, O_DIRECT, PAGE};
use crate::probe::errno_name;
use crate::{open, Args, Context, Result};
use std::time::{Duration, Instant};

/// Ends well when the time is over or the device is gone (EIO, ENXIO, ENODEV, EHWPOISON, or end of
/// a device that has shrunk to nothing); a mapping ends with SIGBUS, which the shell sees as 135.
pub fn run(args: &Args) -> Result {
    let (kind, path) = (args.word(0)?, args.word(1)?);
    let len = args.number("len", 1 << 20)? as usize / PAGE * PAGE;
    let end = Instant::now() + Duration::from_secs(args.number("secs", 60)?);
    let flags = if kind == "direct" { O_DIRECT } else { 0 };
    let file = open(path, kind == "write", flags)?;
    let mut rng = Rng::new(3);
    let mut buf = Area::new(16 * PAGE).of("buffer")?;
    let mut map = match kind {
        "map" => Some(Map::new(&file, 0, len).of("mmap")?),
        "read" | "write" | "direct" => None,
        _ => return Err(format!("{kind}: read, write, map or direct")),
    };
    println!("started");

    let (mut ops, mut nothing_copied) = (0u64, false);
    while Instant::now() < end {
        let page = rng.below(len / PAGE);
        let pages = (1 + rng.below(16)).min(len / PAGE - page);
        let off = (page * PAGE) as u64;
        let seg = Seg {
            start: 0,
            len: pages * PAGE,
        };
        let done = match (&mut map, kind) {
            (Some(map), _) => {
                let old = map.peek(page * PAGE);
                map.poke(page * PAGE, old.wrapping_add(1));
                Ok(seg.len)
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
            // The device died after it had given the address, and the copy of nothing looks like bad
            // user memory. The next operation knows.
            Err(e) if e.raw_os_error() == Some(14) && !nothing_copied => nothing_copied = true,
            Err(e) => return Err(format!("{kind}: {e} after {ops} operations")),
        }
    }
    println!("{kind}: time over after {ops} operations");
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! Block devices and single files: odd segments, compared with a model, and patterns.

use crate::data::{compare, pattern, Rng};
use crate::ffi::{Area, Map, Seg, O_DIRECT, O_DSYNC, PAGE};
use crate::{open, Args, Context, Result};
use std::fs::File;

const SECTOR: usize = 512;

/// Random direct, buffered and vectored transfers of whole sectors at any sector.
pub fn run(args: &Args) -> Result {
    let path = args.word(0)?;
    let (base, len) = (
        args.number("off", 0)?,
        args.number("len", 4 << 20)? as usize,
    );
    let direct = open(path, false, O_DIRECT)?;
    let sync = open(path, false, O_DIRECT | O_DSYNC)?;
    let mut rng = Rng::new(args.number("seed", 1)?);
    let mut buf = Area::new(len).of("buffer")?;
    let mut shadow = vec![0; len];
    rng.fill(&mut shadow);
    buf.bytes_mut()[..len].copy_from_slice(&shadow);
    whole(
        "write",
        buf.pwrite(&direct, Seg { start: 0, len }, base),
        len,
    )?;

    for op in 0..args.number("ops", 200)? {
        let most = [3, 40, 300][rng.below(3)].min(len / SECTOR);
        let size = (1 + rng.below(most)) * SECTOR;
        let off = rng.below((len - size) / SECTOR + 1) * SECTOR;
        let segs = cut(&mut rng, size, buf.len());
        let at = base + off as u64;
        let what = format!(
            "operation {op}: {size} bytes at {at:#x} in {} segments",
            segs.len()
        );
        if rng.below(2) == 0 {
            rng.fill(buf.bytes_mut());
            let file = if rng.below(4) == 0 { &sync } else { &direct };
            whole(&what, buf.pwritev(file, &segs, at), size)?;
            let mut to = off;
            for seg in segs {
                let data = &buf.bytes()[seg.start..seg.start + seg.len];
                shadow[to..to + seg.len].copy_from_slice(data);
                to += seg.len;
            }
        } else {
            whole(&what, buf.preadv(&direct, &segs, at), size)?;
            let mut from = off;
            for seg in segs {
                let got = &buf.bytes()[seg.start..seg.start + seg.len];
                compare(&what, at, got, &shadow[from..from + seg.len])?;
                from += seg.len;
            }
        }
    }
    sync.sync_all().of("fsync")?;
    whole("read", buf.pread(&direct, Seg { start: 0, len }, base), len)?;
    compare("all that was written", base, &buf.bytes()[..len], &shadow)?;
    let buffered = open(path, false, 0)?;
    whole(
        "buffered read",
        buf.pread(&buffered, Seg { start: 0, len }, base),
        len,
    )?;
    compare(
        "all that was written, buffered",
        base,
        &buf.bytes()[..len],
        &shadow,
    )
}

/// Cuts segments of whole sectors, which do not overlap, in a buffer of `room` bytes; some share
/// pages.
fn cut(rng: &mut Rng, size: usize, room: usize) -> Vec<Seg> {
    let (mut segs, mut left) = (Vec::new(), size / SECTOR);
    let mut start = rng.below(8) * SECTOR;
    while left != 0 {
        let sectors = match segs.len() {
            0..=30 => (1 + rng.below(17)).min(left),
            _ => left,
        };
        let gap = if segs.len() < 30 {
            rng.below(3) * SECTOR
        } else {
            0
        };
        let gap = if start + gap + left * SECTOR <= room {
            gap
        } else {
            0
        };
        start = (start + gap).min(room - left * SECTOR);
        segs.push(Seg {
            start,
            len: sectors * SECTOR,
        });
        start += sectors * SECTOR;
        left -= sectors;
    }
    segs
}

fn whole(what: &str, done: std::io::Result<usize>, want: usize) -> Result {
    match done.of(what)? {
        n if n == want => Ok(()),
        n => Err(format!("{what}: {n} of {want} bytes")),
    }
}

/// The way in which `fill` and `check` access the data.
enum Way {
    Calls(File),
    Mapping(Box<Map>),
}

/// The arguments of `fill` and `check`.
struct Flat {
    way: Way,
    off: u64,
    len: usize,
    chunk: usize,
    seed: u64,
}

impl Flat {
    fn new(args: &Args, create: bool) -> Result<Self> {
        let (path, how) = (args.word(0)?, args.text("how", "pwrite"));
        let (off, len) = (
            args.number("off", 0)?,
            args.number("len", 1 << 20)? as usize,
        );
        let chunk = args.number("chunk", 1 << 20)? as usize / 8 * 8;
        let create = create && !path.starts_with("/dev/");
        let way = match how {
            "pwrite" => Way::Calls(open(path, create, 0)?),
            "direct" => Way::Calls(open(path, create, O_DIRECT)?),
            "dsync" => Way::Calls(open(path, create, O_DSYNC)?),
            "mmap" | "mapsync" => {
                let file = open(path, create, 0)?;
                let meta = file.metadata().of(path)?;
                if create && meta.len() < off + len as u64 {
                    file.set_len(off + len as u64).of(path)?;
                }
                let map = match how {
                    "mmap" => Map::new(&file, off, len),
                    _ => Map::synchronous(&file, off, len),
                };
                Way::Mapping(Box::new(map.of(format!("{path}: mmap"))?))
            }
            _ => {
                return Err(format!(
                    "--how {how}: pwrite, direct, dsync, mmap or mapsync"
                ))
            }
        };
        Ok(Self {
            way,
            off,
            len,
            chunk,
            seed: args.number("seed", 1)?,
        })
    }

    fn pieces(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (len, chunk) = (self.len, self.chunk.max(8));
        (0..len)
            .step_by(chunk)
            .map(move |at| (at, chunk.min(len - at)))
    }
}

/// Writes the pattern of a seed.
pub fn fill(args: &Args) -> Result {
    let mut flat = Flat::new(args, true)?;
    let mut buf = Area::new(flat.chunk.max(PAGE)).of("buffer")?;
    for (at, len) in flat.pieces() {
        let off = flat.off + at as u64;
        pattern(flat.seed, off, &mut buf.bytes_mut()[..len]);
        match &mut flat.way {
            Way::Calls(file) => whole("write", buf.pwrite(file, Seg { start: 0, len }, off), len)?,
            Way::Mapping(map) => map.write(at, &buf.bytes()[..len]),
        }
    }
    match &flat.way {
        Way::Calls(file) => file.sync_all().of("fsync"),
        // Device-dax has no msync(): the program itself has to write back caches.
        Way::Mapping(_) if args.word(0)?.starts_with("/dev/dax") => Ok(()),
        Way::Mapping(map) => map.sync(0, map.len()).of("msync"),
    }
}

/// Compares with the pattern of a seed.
pub fn check(args: &Args) -> Result {
    let flat = Flat::new(args, false)?;
    let mut buf = Area::new(flat.chunk.max(PAGE)).of("buffer")?;
    let mut want = vec![0; flat.chunk.max(PAGE)];
    for (at, len) in flat.pieces() {
        let off = flat.off + at as u64;
        match &flat.way {
            Way::Calls(file) => whole("read", buf.pread(file, Seg { start: 0, len }, off), len)?,
            Way::Mapping(map) => map.read(at, &mut buf.bytes_mut()[..len]),
        }
        pattern(flat.seed, off, &mut want[..len]);
        compare(args.word(0)?, off, &buf.bytes()[..len], &want[..len])?;
    }
    Ok(())
}

/// Checks that a file begins with the pattern of one seed and continues with that of an older one,
/// as after a write that ended early. Prints the number of new bytes.
pub fn border(args: &Args) -> Result {
    let path = args.word(0)?;
    let len = args.number("len", 1 << 20)? as usize;
    let (new, old) = (args.number("seed", 2)?, args.number("old", 1)?);
    let file = open(path, false, 0)?;
    let mut buf = Area::new(len).of("buffer")?;
    whole("read", buf.pread(&file, Seg { start: 0, len }, 0), len)?;
    let mut want = vec![0; len];
    pattern(new, 0, &mut want);
    let words = buf.bytes().chunks(8).zip(want.chunks(8));
    let at = 8 * words.take_while(|(got, want)| got == want).count();
    pattern(old, 0, &mut want);
    compare(path, at as u64, &buf.bytes()[at..len], &want[at..])?;
    println!("{at} of {len} bytes are new");
    Ok(())
}

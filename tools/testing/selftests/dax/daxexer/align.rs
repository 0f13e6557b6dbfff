// SPDX-License-Identifier: GPL-2.0

//! Transfers of every size from 0 to 300 at every alignment mod 64 of the file offset and of the
//! buffer.
//!
//! The bytes on both sides of each transfer are guards, which must not change.

use crate::data::{compare, Rng};
use crate::ffi::{Area, Map, Seg, PAGE};
use crate::{open, Args, Context, Result};

const LINE: usize = 64;
const MAX: usize = 300;
/// A guard line, the alignment, the largest size, a guard line.
const WINDOW: usize = LINE + LINE + MAX + LINE;

/// The start of the window: within a page for even sizes, straddling two pages for odd ones.
fn window_start(size: usize) -> usize {
    if size % 2 == 0 {
        PAGE
    } else {
        2 * PAGE - 3 * LINE
    }
}

pub fn run(args: &Args) -> Result {
    let path = format!("{}/align.{}", args.word(0)?, args.text("kind", "write"));
    let step = args.number("step", 1)?.max(1) as usize;
    let done = match args.text("kind", "write") {
        "write" => writes(&path, step),
        "read" => reads(&path, step),
        other => Err(format!("--kind {other}: write or read")),
    }?;
    println!("{done} transfers checked");
    std::fs::remove_file(&path).of(&path)
}

fn writes(path: &str, step: usize) -> Result<usize> {
    let file = open(path, true, 0)?;
    let mut rng = Rng::new(1);
    let mut shadow = vec![0; 4 * PAGE];
    rng.fill(&mut shadow);
    let mut source = Area::new(2 * PAGE).of("buffer")?;
    let seed = Seg {
        start: 0,
        len: PAGE,
    };
    for page in 0..4 {
        source.bytes_mut()[..PAGE].copy_from_slice(&shadow[page * PAGE..(page + 1) * PAGE]);
        source.pwrite(&file, seed, (page * PAGE) as u64).of(path)?;
    }
    rng.fill(source.bytes_mut());
    let map = Map::new(&file, 0, 4 * PAGE).of("mmap")?;
    let mut seen = [0; WINDOW];
    let mut done = 0;

    for size in 0..=MAX {
        let window = window_start(size);
        for to in 0..LINE {
            for from in (0..LINE).step_by(step) {
                // Start elsewhere in each round, so that the data of two transfers differ.
                let start = (done * LINE) % (PAGE - LINE) / LINE * LINE + from;
                let target = window + LINE + to;
                let what = || format!("write of {size} at {target:#x} from alignment {from}");
                let n = source.pwrite(&file, Seg { start, len: size }, target as u64);
                let n = n.map_err(|e| format!("{}: {e}", what()))?;
                if n != size {
                    return Err(format!("{}: wrote {n}", what()));
                }
                shadow[target..target + size].copy_from_slice(&source.bytes()[start..start + size]);
                map.read(window, &mut seen);
                let want = &shadow[window..window + WINDOW];
                if seen != want {
                    compare(&what(), window as u64, &seen, want)?;
                }
                done += 1;
            }
        }
    }
    Ok(done)
}

fn reads(path: &str, step: usize) -> Result<usize> {
    const GUARD: u8 = 0xa5;
    let file = open(path, true, 0)?;
    let mut buf = Area::new(4 * PAGE).of("buffer")?;
    Rng::new(2).fill(buf.bytes_mut());
    let content = buf.bytes().to_vec();
    buf.pwrite(
        &file,
        Seg {
            start: 0,
            len: content.len(),
        },
        0,
    )
    .of(path)?;
    let mut done = 0;

    for size in 0..=MAX {
        let window = window_start(size);
        for from in 0..LINE {
            for to in (0..LINE).step_by(step) {
                let source = window + LINE + from;
                let start = LINE + to;
                let what = || format!("read of {size} at {source:#x} to alignment {to}");
                buf.bytes_mut()[..WINDOW].fill(GUARD);
                let n = buf.pread(&file, Seg { start, len: size }, source as u64);
                let n = n.map_err(|e| format!("{}: {e}", what()))?;
                let (before, rest) = buf.bytes()[..WINDOW].split_at(start);
                let (got, after) = rest.split_at(size);
                if n != size || before.iter().chain(after).any(|b| *b != GUARD) {
                    return Err(format!(
                        "{}: read {n}, or wrote outside of the buffer",
                        what()
                    ));
                }
                let want = &content[source..source + size];
                if got != want {
                    compare(&what(), source as u64, got, want)?;
                }
                done += 1;
            }
        }
    }
    Ok(done)
}

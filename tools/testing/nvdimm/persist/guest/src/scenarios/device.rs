// SPDX-License-Identifier: GPL-2.0

//! Operations on a block device. Afterwards, all stores to its memory must be durable.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use persist::view::PAGE;
use rustix::fs::{fallocate, FallocateFlags, OFlags};

use super::{Failed, Outcome, Place, Scenario};

pub const SCENARIOS: &[Scenario] = &[
    ("direct writes, fsync", direct),
    ("direct writes with O_DSYNC", direct_dsync),
    ("writes through the page cache, fsync", cached),
    ("a zeroed range, fsync", zeroed),
];

/// Offsets and lengths, in pages.
const PARTS: [(usize, usize); 5] = [(0, 1), (7, 1), (3, 5), (16, 32), (1000, 65)];

fn open(place: &Place<'_>, flags: OFlags) -> Result<File, Failed> {
    let mut how = OpenOptions::new();
    how.read(true).write(true).custom_flags(flags.bits() as i32);
    Ok(how.open(place.path)?)
}

/// Calls `act` for each part of the device, and checks that all stores are durable.
fn each_part(place: &Place<'_>, act: impl Fn(u64, &[u8]) -> std::io::Result<()>) -> Outcome {
    for (number, (first, pages)) in PARTS.into_iter().enumerate() {
        let (off, len) = (first * PAGE, pages * PAGE);
        // direct I/O needs a page-aligned buffer
        let data = vec![0x80 + number as u8; len + PAGE];
        let data = &data[data.as_ptr().align_offset(PAGE)..][..len];
        act(off as u64, data)?;
        place.all_durable()?;
    }
    Ok(())
}

fn direct(place: &Place<'_>) -> Outcome {
    let device = open(place, OFlags::DIRECT)?;
    each_part(place, |off, data| {
        device.write_all_at(data, off)?;
        device.sync_all()
    })
}

fn direct_dsync(place: &Place<'_>) -> Outcome {
    let device = open(place, OFlags::DIRECT | OFlags::DSYNC)?;
    each_part(place, |off, data| device.write_all_at(data, off))
}

fn cached(place: &Place<'_>) -> Outcome {
    let device = open(place, OFlags::empty())?;
    each_part(place, |off, data| {
        // the part without its first and last byte
        device.write_all_at(&data[1..data.len() - 1], off + 1)?;
        device.sync_all()
    })
}

fn zeroed(place: &Place<'_>) -> Outcome {
    let device = open(place, OFlags::empty())?;
    let zero = FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE;
    each_part(place, |off, data| {
        fallocate(&device, zero, off, data.len() as u64)?;
        device.sync_all()
    })
}

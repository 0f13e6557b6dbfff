// SPDX-License-Identifier: GPL-2.0

//! Operations on a file with DAX, whose lines the checker can check.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use persist::memory;
use persist::view::{View, LINE, PAGE};
use persist::workload::Workload;
use rustix::fs::{fallocate, ioctl_ficlone, seek, syncfs, FallocateFlags, SeekFrom};
use rustix::io::Errno;

use super::{checked, durable, Failed, Outcome, Place, Scenario};

pub const SCENARIOS: &[Scenario] = &[
    ("write of every size and alignment, fsync", write_sizes),
    ("append, fdatasync", append),
    ("O_DSYNC write", dsync_write),
    ("mmap stores, msync of a part", msync_part),
    ("mmap stores, fsync", mmap_fsync),
    ("MAP_SYNC stores, clwb and sfence of the program", map_sync),
    ("a punch beside dirty pages, fsync", punch_beside_dirty),
    (
        "a zeroed range beside dirty pages, fsync",
        zero_beside_dirty,
    ),
    (
        "a truncation behind dirty pages, fsync",
        truncate_behind_dirty,
    ),
    ("zeroing of parts of pages, fsync", zero_parts),
    ("copy on write by write, fsync", cow_write),
    ("copy on write by mmap, fsync", cow_store),
    ("unshare, fsync", unshare),
    ("stores to 2 MiB, fsync", huge),
    ("a write over poison, fsync", recovery),
    ("random operations, fsync of each file", random),
    ("syncfs behind an fsync of another file", other_first),
];

/// Checks that a part of a view of the file's beginning is durable.
fn all_durable(view: &View, off: usize, len: usize) -> Outcome {
    checked(view, 0, off, len)
}

fn write_sizes(place: &Place<'_>) -> Outcome {
    let file = place.file("sizes", 8 * PAGE)?;
    for len in [
        1, 7, 8, 9, 63, 64, 65, 127, 200, 1000, 4095, 4096, 4097, 9000,
    ] {
        for off in [0, 1, 4, 8, 13, 60, 63, 64, 100, 4090, 4096] {
            file.write_all_at(&vec![len as u8; len], off as u64)?;
            file.sync_all()?;
            durable(&file, off, len)?;
        }
    }
    Ok(())
}

fn append(place: &Place<'_>) -> Outcome {
    let file = place.file("append", 0)?;
    let mut at = 0;
    for len in [1, 100, 4096, 5000, 70000] {
        file.write_all_at(&vec![0x22; len], at as u64)?;
        file.sync_data()?;
        durable(&file, at, len)?;
        at += len;
    }
    Ok(())
}

fn dsync_write(place: &Place<'_>) -> Outcome {
    const O_DSYNC: i32 = 0o10000;
    let file = place.open("dsync", 4 * PAGE, O_DSYNC)?;
    for (off, len) in [(0, 8), (100, 3), (4000, 200), (4096, 4096), (16380, 5000)] {
        file.write_all_at(&vec![0x33; len], off as u64)?;
        durable(&file, off, len)?;
    }
    Ok(())
}

fn msync_part(place: &Place<'_>) -> Outcome {
    let file = place.file("msync", 8 * PAGE)?;
    let view = View::new(&file, 0, 8 * PAGE)?;
    for page in 0..8 {
        view.store(page * PAGE + 10, &[0x44; 300]);
    }
    view.sync(2 * PAGE, 3 * PAGE)?;
    all_durable(&view, 2 * PAGE, 3 * PAGE)?;
    view.sync(0, 8 * PAGE)?;
    all_durable(&view, 0, 8 * PAGE)
}

fn mmap_fsync(place: &Place<'_>) -> Outcome {
    let file = place.file("mmap", 16 * PAGE)?;
    let view = View::new(&file, 0, 16 * PAGE)?;
    for round in 0..3u8 {
        for page in (usize::from(round)..16).step_by(2) {
            view.store(page * PAGE + 60, &[round; 8]);
        }
        file.sync_all()?;
        all_durable(&view, 0, 16 * PAGE)?;
    }
    Ok(())
}

fn map_sync(place: &Place<'_>) -> Outcome {
    let file = place.file("mapsync", 0)?;
    // new blocks: the fault itself has to make their zeroes durable
    file.set_len(4 * PAGE as u64)?;
    let view = View::synchronous(&file, 0, 4 * PAGE)?;
    for off in [0, 100, PAGE - 3, 3 * PAGE] {
        view.store(off, &[0x55; 2 * LINE]);
        if place.without != "clwb" {
            view.write_back(off, 2 * LINE);
        }
        if place.without != "fence" {
            View::fence();
        }
        all_durable(&view, off, 2 * LINE)?;
    }
    Ok(())
}

/// Dirties pages 0, 4 and 7 of 8, calls `change`, and syncs the file. Its remaining pages must be
/// durable.
fn beside_dirty(
    place: &Place<'_>,
    name: &str,
    left: usize,
    change: impl FnOnce(&File) -> Outcome,
) -> Outcome {
    let file = place.file(name, 8 * PAGE)?;
    let view = View::new(&file, 0, 8 * PAGE)?;
    for page in [0, 4, 7] {
        view.store(page * PAGE + 128, &[0x66; 256]);
    }
    change(&file)?;
    file.sync_all()?;
    durable(&file, 0, left * PAGE)
}

fn allocate(file: &File, mode: FallocateFlags, off: usize, len: usize) -> Outcome {
    match fallocate(file, mode, off as u64, len as u64) {
        Err(error) if error == Errno::OPNOTSUPP => Err(Failed::Impossible),
        result => Ok(result?),
    }
}

fn punch_beside_dirty(place: &Place<'_>) -> Outcome {
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    beside_dirty(place, "punch", 1, |file| {
        allocate(file, punch, PAGE, 2 * PAGE)
    })?;
    let file = place.file("punch", 8 * PAGE)?;
    let view = View::new(&file, 0, 8 * PAGE)?;
    view.store(5 * PAGE, &[0x67; 64]);
    allocate(&file, punch, PAGE, PAGE)?;
    file.sync_all()?;
    durable(&file, 5 * PAGE, PAGE)
}

fn zero_beside_dirty(place: &Place<'_>) -> Outcome {
    // the zeroed pages have lost their blocks: check only the pages before them
    beside_dirty(place, "zero", 5, |file| {
        allocate(file, FallocateFlags::ZERO_RANGE, 5 * PAGE, PAGE)
    })
}

fn truncate_behind_dirty(place: &Place<'_>) -> Outcome {
    beside_dirty(place, "truncate", 5, |file| {
        Ok(file.set_len(5 * PAGE as u64)?)
    })
}

fn zero_parts(place: &Place<'_>) -> Outcome {
    let file = place.file("parts", 8 * PAGE)?;
    for (off, len) in [(10, 20), (60, 8), (4000, 200), (8192, 100), (13000, 3000)] {
        allocate(&file, FallocateFlags::ZERO_RANGE, off, len)?;
        file.sync_all()?;
        durable(&file, off, len)?;
    }
    file.set_len(5 * PAGE as u64 + 77)?;
    file.sync_all()?;
    durable(&file, 5 * PAGE, 77)
}

/// Makes a file of 8 pages that shares its blocks with another.
fn shared(place: &Place<'_>, name: &str) -> Result<File, Failed> {
    let from = place.file(&format!("{name}-from"), 8 * PAGE)?;
    let file = place.file(name, 0)?;
    match ioctl_ficlone(&file, &from) {
        Err(error) if error == Errno::OPNOTSUPP => return Err(Failed::Impossible),
        result => result?,
    }
    file.sync_all()?;
    Ok(file)
}

fn cow_write(place: &Place<'_>) -> Outcome {
    let file = shared(place, "cow-write")?;
    for (off, len) in [(5, 3), (4096, 4096), (9000, 5000)] {
        file.write_all_at(&vec![0x77; len], off as u64)?;
        file.sync_all()?;
        durable(&file, off / PAGE * PAGE, len + PAGE)?;
    }
    Ok(())
}

fn cow_store(place: &Place<'_>) -> Outcome {
    let file = shared(place, "cow-store")?;
    let view = View::new(&file, 0, 8 * PAGE)?;
    for page in [1, 2, 6] {
        view.store(page * PAGE + 1000, &[0x78; 5]);
    }
    file.sync_all()?;
    all_durable(&view, 0, 8 * PAGE)
}

fn unshare(place: &Place<'_>) -> Outcome {
    let file = shared(place, "unshare")?;
    allocate(&file, FallocateFlags::UNSHARE_RANGE, PAGE, 4 * PAGE)?;
    file.sync_all()?;
    durable(&file, 0, 8 * PAGE)
}

fn huge(place: &Place<'_>) -> Outcome {
    const HUGE: usize = 2 << 20;
    let file = place.file("huge", 2 * HUGE)?;
    let view = View::new(&file, 0, 2 * HUGE)?;
    for off in [0, 5000, HUGE - 1, HUGE + 77] {
        view.store(off, &[0x79]);
    }
    file.sync_all()?;
    all_durable(&view, 0, 2 * HUGE)
}

/// A page gets poison, and a write clears it.
fn recovery(place: &Place<'_>) -> Outcome {
    const BAD: usize = 3 * PAGE;
    let file = place.file("poison", 8 * PAGE)?;
    let view = View::new(&file, 0, 8 * PAGE)?;
    let bad = view.physical(BAD)?;
    drop(view);
    let parts = memory::of(Path::new(place.path))?;
    let part = parts.iter().find(|part| part.contains(bad));
    let part = part.ok_or("the file is not in the device's memory")?;
    let disk = Path::new("/sys/block").join(&part.disk);
    // only without firmware can the write alone clear the poison
    let device = disk.join("device").canonicalize()?;
    if !device.starts_with("/sys/devices/platform/e820_pmem") {
        return Err(Failed::Impossible);
    }
    let list = disk.join("badblocks");
    let sectors = format!("{} {}", (bad - part.start) / 512, PAGE / 512);
    fs::write(&list, sectors)?;
    if file.read_exact_at(&mut [0; PAGE], BAD as u64).is_ok() {
        return Err("the page is not bad".into());
    }
    file.write_all_at(&[0x7a; 3 * PAGE], (BAD - PAGE) as u64)?;
    file.sync_all()?;
    durable(&file, BAD - PAGE, 3 * PAGE)?;
    place.all_durable()?;
    match fs::read_to_string(&list)?.as_str() {
        "" => Ok(()),
        left => Err(format!("bad sectors are left: {left}").into()),
    }
}

/// Runs the random operations of the power cuts. If a page is dirty when its block is freed, the
/// kernel need not write it back, so check only files.
fn random(place: &Place<'_>) -> Outcome {
    let shares = shared(place, "shares").is_ok();
    let dir = place.directory("random")?;
    let mut workload = Workload::new(&dir, shares, 1, || Ok(0));
    for _ in 0..25 {
        (0..8).try_for_each(|_| workload.step())?;
        for name in workload.tree.names().keys() {
            let mut how = OpenOptions::new();
            let file = how.read(true).write(true).open(dir.join(name))?;
            file.sync_all()?;
            data_durable(&file)?;
        }
    }
    Ok(())
}

/// Checks that all data of the file is durable, except holes, which have no memory.
fn data_durable(file: &File) -> Outcome {
    let mut at = 0;
    loop {
        at = match seek(file, SeekFrom::Data(at)) {
            Err(Errno::NXIO) => return Ok(()),
            data => data?,
        };
        let hole = seek(file, SeekFrom::Hole(at))?;
        durable(file, at as usize, (hole - at) as usize)?;
        at = hole;
    }
}

/// If the fsync of another file has written the whole log, a syncfs has nothing to write. It must
/// flush the stores all the same.
fn other_first(place: &Place<'_>) -> Outcome {
    let file = place.file("stored", 8 * PAGE)?;
    let other = place.file("other", PAGE)?;
    let view = View::new(&file, 0, 8 * PAGE)?;
    for page in 0..8 {
        view.store(page * PAGE + 8, &[0x7b; 100]);
        other.write_all_at(&[0x7c; PAGE], 0)?;
        other.sync_all()?;
        syncfs(&file)?;
        all_durable(&view, 0, 8 * PAGE)?;
    }
    Ok(())
}

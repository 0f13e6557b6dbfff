// SPDX-License-Identifier: GPL-2.0

//! Operations whose cost the checker counts. Each runs many times, in a window of its own; its
//! preparation is outside the window.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{fallocate, FallocateFlags, OFlags};

use crate::view::{View, PAGE};

const HUGE: usize = 2 << 20;
/// The pages for each kind of first access; fewer than a 2 MiB entry maps.
const PAGES: usize = 256;
/// The 2 MiB pages for each kind of first access.
const HUGE_PAGES: usize = 8;
/// How often an operation runs that needs no fresh page.
const ROUNDS: usize = 256;
/// How often a long operation runs.
const FEW: usize = 24;

type Outcome = Result<(), String>;

fn problem(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Runs `windows`, which measures an operation of that name; `label` names the filesystem or
/// device.
fn operation(label: &str, name: &str, windows: impl FnOnce() -> io::Result<()>) -> Outcome {
    let nobody = |_| "no checker watches this machine, so it cannot count".to_string();
    persist::begin(&format!("{label} {name}")).map_err(nobody)?;
    windows().map_err(|error| format!("{label} {name}: {error}"))?;
    persist::end().map_err(nobody)
}

/// Counts all operations in that directory of a filesystem.
pub fn filesystem(label: &str, dir: &Path) -> Outcome {
    read_write(
        label,
        &written(&dir.join("rw"), ROUNDS * PAGE).map_err(problem)?,
    )?;
    append(label, &dir.join("append"))?;
    faults(label, &dir.join("pages"), PAGE, PAGES)?;
    faults(label, &dir.join("huge"), HUGE, HUGE_PAGES)?;
    sync(label, &written(&dir.join("sync"), HUGE).map_err(problem)?)
}

/// Counts block I/O of a device.
pub fn device(label: &str, path: &Path) -> Outcome {
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlags::DIRECT.bits() as i32)
        .open(path)
        .map_err(problem)?;
    let mut page = Box::new(Page([0x5a; PAGE]));
    let at = |round: usize| (round * PAGE) as u64;
    operation(label, "write 4 KiB", || {
        rounds(ROUNDS, |n| {
            persist::window(|| device.write_all_at(&page.0, at(n)))
        })
    })?;
    operation(label, "read 4 KiB", || {
        rounds(ROUNDS, |n| {
            persist::window(|| device.read_exact_at(&mut page.0, at(n)))
        })
    })?;
    operation(label, "flush", || {
        rounds(ROUNDS, |_| persist::window(|| device.sync_all()))
    })
}

/// Memory for direct I/O.
#[repr(align(4096))]
struct Page([u8; PAGE]);

fn rounds(n: usize, round: impl FnMut(usize) -> io::Result<()>) -> io::Result<()> {
    (0..n).try_for_each(round)
}

fn create(path: &Path) -> io::Result<File> {
    let mut how = OpenOptions::new();
    how.read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
}

/// Makes a file of contiguous, written blocks, without a mapped page.
fn written(path: &Path, len: usize) -> io::Result<File> {
    let file = create(path)?;
    fallocate(&file, FallocateFlags::empty(), 0, len as u64)?;
    file.write_all_at(&vec![0x11; len], 0)?;
    file.sync_all()?;
    Ok(file)
}

fn read_write(label: &str, file: &File) -> Outcome {
    let mut page = vec![0x22; PAGE];
    let at = |round: usize| (round * PAGE) as u64;
    operation(label, "read 4 KiB", || {
        rounds(ROUNDS, |n| {
            persist::window(|| file.read_exact_at(&mut page, at(n)))
        })
    })?;
    operation(label, "write 4 KiB", || {
        rounds(ROUNDS, |n| {
            persist::window(|| file.write_all_at(&page, at(n)))
        })
    })?;
    operation(label, "write 64 B", || {
        rounds(ROUNDS, |n| {
            persist::window(|| file.write_all_at(&page[..64], at(n)))
        })
    })?;
    operation(label, "fdatasync after a write", || {
        rounds(ROUNDS, |n| {
            file.write_all_at(&page, at(n))?;
            persist::window(|| file.sync_data())
        })
    })?;
    // What is mapped has entries, which a page fault could have locked.
    let view = View::new(file, 0, ROUNDS * PAGE).map_err(problem)?;
    (0..ROUNDS).for_each(|n| view.store(n * PAGE, &[2]));
    operation(label, "read 4 KiB, mapped", || {
        rounds(ROUNDS, |n| {
            persist::window(|| file.read_exact_at(&mut page, at(n)))
        })
    })?;
    operation(label, "write 4 KiB, mapped", || {
        rounds(ROUNDS, |n| {
            persist::window(|| file.write_all_at(&page, at(n)))
        })
    })
}

fn append(label: &str, path: &Path) -> Outcome {
    let file = create(path).map_err(problem)?;
    let page = vec![0x33; PAGE];
    operation(label, "append 4 KiB", || {
        rounds(ROUNDS, |n| {
            persist::window(|| file.write_all_at(&page, (n * PAGE) as u64))
        })
    })
}

/// Counts first accesses to `n` pages of that size. "first" finds no entry in the file's mapping,
/// "again" finds the entry of an earlier memory mapping.
fn faults(label: &str, path: &Path, size: usize, n: usize) -> Outcome {
    let kind = if size == HUGE { "2 MiB" } else { "4 KiB" };
    let touched = |view: &View, how: &str, access: fn(&View, usize)| {
        operation(label, &format!("{kind} {how}"), || {
            rounds(n, |page| Ok(persist::window(|| access(view, page * size))))?;
            mapped_by(view, size)
        })
    };
    let load: fn(&View, usize) = |view, off| _ = view.load(off);
    let store: fn(&View, usize) = |view, off| view.store(off, &[1]);
    let file = written(path, n * size).map_err(problem)?;
    let fresh = || View::new(&file, 0, n * size).map_err(problem);
    touched(&fresh()?, "read fault, first", load)?;
    touched(&fresh()?, "read fault, again", load)?;
    let view = fresh()?;
    touched(&view, "write fault, first", store)?;
    drop(view);
    touched(&fresh()?, "write fault, again", store)?;
    let view = fresh()?;
    touched(&view, "read fault, dirty", load)?;
    touched(&view, "write fault after read", store)?;
    drop(view);
    let file = create(path).map_err(problem)?;
    fallocate(&file, FallocateFlags::empty(), 0, (n * size) as u64).map_err(problem)?;
    let unwritten = View::new(&file, 0, n * size).map_err(problem)?;
    touched(&unwritten, "write fault, unwritten", store)
}

/// Checks that page-table entries of that size map every page of the view.
fn mapped_by(view: &View, size: usize) -> io::Result<()> {
    // a view of 4 KiB pages is shorter than 2 MiB
    if size != HUGE {
        return Ok(());
    }
    let neighbours = PAGES as u64;
    let before = page_faults()?;
    for page in 1..=PAGES {
        view.load(page * PAGE);
    }
    if page_faults()? - before >= neighbours {
        return Err(io::Error::other("it is mapped by entries for 4 KiB"));
    }
    Ok(())
}

/// The number of page faults of this program, minor and major ones.
fn page_faults() -> io::Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // the name may have spaces; the fields after it count from 3
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let field = |n: usize| fields.split_whitespace().nth(n - 3)?.parse::<u64>().ok();
    field(10)
        .zip(field(12))
        .map(|(minor, major)| minor + major)
        .ok_or(io::Error::other(stat))
}

fn sync(label: &str, file: &File) -> Outcome {
    let view = View::new(file, 0, PAGES * PAGE).map_err(problem)?;
    let dirty = |pages: usize| (0..pages).for_each(|page| view.store(page * PAGE, &[2]));
    dirty(PAGES);
    file.sync_all().map_err(problem)?;
    operation(label, "4 KiB write fault after fsync", || {
        rounds(ROUNDS, |_| {
            persist::window(|| dirty(1));
            file.sync_all()
        })
    })?;
    for (pages, n) in [(1, ROUNDS), (16, FEW)] {
        operation(label, &format!("fsync, dirty pages: {pages}"), || {
            rounds(n, |_| {
                dirty(pages);
                persist::window(|| file.sync_all())
            })
        })?;
    }
    operation(label, &format!("msync, dirty pages: {PAGES}"), || {
        rounds(FEW, |_| {
            dirty(PAGES);
            persist::window(|| view.sync(0, PAGES * PAGE))
        })
    })
}

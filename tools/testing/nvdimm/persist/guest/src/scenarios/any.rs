// SPDX-License-Identifier: GPL-2.0

//! Operations on files and directories of any filesystem. Afterwards, all stores to its device must
//! be durable, metadata and journal included. No other process may have dirty mappings meanwhile.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{symlink, FileExt, PermissionsExt};
use std::path::Path;

use persist::view::{View, PAGE};
use rustix::fs::{fallocate, setxattr, FallocateFlags, OFlags, XattrFlags};

use super::{Outcome, Place, Scenario};

pub const SCENARIOS: &[Scenario] = &[
    ("files are created, fsync of the directory", create),
    (
        "a file is renamed over another, fsync of the directory",
        rename,
    ),
    ("files are removed, fsync of the directory", remove),
    (
        "directories, links and attributes, fsync of the directory",
        others,
    ),
    ("writes to a file, fsync", write),
    ("a file grows, fdatasync", append),
    ("a file is written with O_DSYNC", dsync_write),
    ("mmap stores, msync of all", store),
    ("blocks come and go, fsync", blocks),
];

/// Checks that all stores are durable after an fsync of the directory.
fn synced(place: &Place<'_>, dir: &Path) -> Outcome {
    let sync = || File::open(dir)?.sync_all();
    sync()?;
    place.all_durable()
}

fn create(place: &Place<'_>) -> Outcome {
    let dir = place.directory("create")?;
    for n in 0..8 {
        File::create_new(dir.join(n.to_string()))?;
        synced(place, &dir)?;
    }
    Ok(())
}

fn rename(place: &Place<'_>) -> Outcome {
    let dir = place.directory("rename")?;
    fs::write(dir.join("new"), [0x21; 100])?;
    synced(place, &dir)?;
    for n in 0..4 {
        fs::write(dir.join("next"), vec![0x22; n * PAGE])?;
        fs::rename(dir.join("next"), dir.join("new"))?;
        synced(place, &dir)?;
    }
    Ok(())
}

fn remove(place: &Place<'_>) -> Outcome {
    let dir = place.directory("remove")?;
    let files: Vec<_> = (0..4).map(|n| dir.join(n.to_string())).collect();
    for (n, file) in files.iter().enumerate() {
        fs::write(file, vec![0x23; n * 5 * PAGE])?;
    }
    synced(place, &dir)?;
    for file in &files {
        fs::remove_file(file)?;
        synced(place, &dir)?;
    }
    Ok(())
}

fn others(place: &Place<'_>) -> Outcome {
    let dir = place.directory("others")?;
    let [below, file, link, other] = ["below", "file", "link", "other"].map(|n| dir.join(n));
    fs::create_dir(&below)?;
    synced(place, &dir)?;
    fs::write(&file, [0x24; 10])?;
    fs::hard_link(&file, &link)?;
    synced(place, &dir)?;
    symlink("below", &other)?;
    synced(place, &dir)?;
    let mode = Permissions::from_mode(0o700);
    fs::set_permissions(&dir, mode)?;
    setxattr(&dir, "trusted.one", &[0x25; 700], XattrFlags::empty())?;
    synced(place, &dir)?;
    fs::remove_dir(&below)?;
    synced(place, &dir)
}

fn write(place: &Place<'_>) -> Outcome {
    let file = place.file("write", 8 * PAGE)?;
    for (off, len) in [(0, 1), (63, 2), (100, 1000), (4090, 10), (4096, 9000)] {
        file.write_all_at(&vec![0x26; len], off)?;
        file.sync_all()?;
        place.all_durable()?;
    }
    Ok(())
}

fn append(place: &Place<'_>) -> Outcome {
    let file = place.file("grow", 0)?;
    let mut at = 0;
    for len in [1, 100, 4096, 5000, 70000] {
        file.write_all_at(&vec![0x27; len], at)?;
        file.sync_data()?;
        place.all_durable()?;
        at += len as u64;
    }
    Ok(())
}

fn dsync_write(place: &Place<'_>) -> Outcome {
    let file = place.open("dsync-any", 4 * PAGE, OFlags::DSYNC.bits() as i32)?;
    for (off, len) in [(0, 8), (100, 3), (4000, 200), (4096, 4096), (16380, 5000)] {
        file.write_all_at(&vec![0x28; len], off)?;
        place.all_durable()?;
    }
    Ok(())
}

fn store(place: &Place<'_>) -> Outcome {
    let file = place.file("store", 16 * PAGE)?;
    let view = View::new(&file, 0, 16 * PAGE)?;
    for page in [0, 1, 7, 15] {
        view.store(page * PAGE + 60, &[0x29; 8]);
        view.sync(0, 16 * PAGE)?;
        place.all_durable()?;
    }
    Ok(())
}

fn blocks(place: &Place<'_>) -> Outcome {
    let file = place.file("blocks", 16 * PAGE)?;
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    for (mode, off, len) in [
        (FallocateFlags::empty(), 20 * PAGE, 8 * PAGE),
        (punch, PAGE, 3 * PAGE),
        (FallocateFlags::ZERO_RANGE, 6 * PAGE + 10, 2 * PAGE),
        (FallocateFlags::COLLAPSE_RANGE, 0, 4 * PAGE),
        (FallocateFlags::INSERT_RANGE, PAGE, 2 * PAGE),
    ] {
        fallocate(&file, mode, off as u64, len as u64)?;
        file.sync_all()?;
        place.all_durable()?;
    }
    file.set_len(5 * PAGE as u64 + 77)?;
    file.sync_all()?;
    place.all_durable()
}

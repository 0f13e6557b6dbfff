// SPDX-License-Identifier: GPL-2.0

//! Finds the physical memory of a device.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{major, minor};

/// A range of physical memory that belongs to a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The disk's name, as in `/sys/block`.
    pub disk: String,
    pub start: u64,
    pub len: u64,
}

impl Part {
    pub fn contains(&self, address: u64) -> bool {
        address
            .checked_sub(self.start)
            .is_some_and(|at| at < self.len)
    }
}

/// The memory of a block device, or of the device of a file. Of a mapped device, it is all of the
/// devices below. Of a BTT, it is all of the namespace; of a namespace with page structs, only the
/// data behind them.
pub fn of(path: &Path) -> io::Result<Vec<Part>> {
    let file = fs::metadata(path)?;
    let number = match file.file_type().is_block_device() {
        true => file.rdev(),
        false => file.dev(),
    };
    let disk = format!("/sys/dev/block/{}:{}", major(number), minor(number));
    parts(&fs::canonicalize(disk)?)
}

fn parts(disk: &Path) -> io::Result<Vec<Part>> {
    let mut below = Vec::new();
    for slave in fs::read_dir(disk.join("slaves"))? {
        below.extend(parts(&slave?.path().canonicalize()?)?);
    }
    if !below.is_empty() {
        return Ok(below);
    }
    let device = disk.join("device");
    let (start, len) = match number(&device.join("resource")) {
        Ok(start) => (start, number(&disk.join("size"))? * 512),
        // sysfs has no address of a BTT
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = fs::read_to_string(device.join("namespace"))?;
            described(&Path::new("/sys/bus/nd/devices").join(name.trim()))?
        }
        Err(error) => return Err(error),
    };
    let disk = disk.file_name().unwrap_or_default().to_string_lossy();
    Ok(vec![Part {
        disk: disk.into_owned(),
        start,
        len,
    }])
}

/// The first address and the length of the region or namespace with that directory in sysfs.
pub fn described(dir: &Path) -> io::Result<(u64, u64)> {
    Ok((number(&dir.join("resource"))?, number(&dir.join("size"))?))
}

/// Reads a number from a file.
fn number(path: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let text = text.trim();
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| io::Error::other(format!("{}: {text} is no number", path.display())))
}

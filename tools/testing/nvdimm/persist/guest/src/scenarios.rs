// SPDX-License-Identifier: GPL-2.0

//! Each scenario does something, makes it durable, and asks whether it is.

mod any;
mod dax;
mod device;

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use persist::memory;
use persist::view::{View, PAGE};
use persist::Lost;

use crate::symbols;

/// Where it happens, and what the program leaves out.
pub struct Place<'a> {
    /// A directory, or a device.
    pub path: &'a str,
    pub without: &'a str,
}

/// Why not all is durable.
pub enum Failed {
    /// A power cut would lose lines.
    Lost(String),
    /// It cannot be tried there.
    Impossible,
    Error(String),
}

impl<E: Display> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Error(error.to_string())
    }
}

type Outcome = Result<(), Failed>;

pub type Scenario = (&'static str, fn(&Place<'_>) -> Outcome);

/// By what they need: files of which the lines can be asked about, any filesystem, a block device.
pub const GROUPS: [(&str, &[Scenario]); 3] = [
    ("dax", dax::SCENARIOS),
    ("any", any::SCENARIOS),
    ("device", device::SCENARIOS),
];

impl Place<'_> {
    /// A new file of that size, written and durable.
    fn file(&self, name: &str, len: usize) -> Result<File, Failed> {
        self.open(name, len, 0)
    }

    fn open(&self, name: &str, len: usize, flags: i32) -> Result<File, Failed> {
        let path = format!("{}/{name}", self.path);
        let mut how = OpenOptions::new();
        how.read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags(flags);
        let file = how
            .open(&path)
            .map_err(|error| format!("{path}: {error}"))?;
        file.write_all_at(&vec![0x11; len], 0)?;
        file.sync_all()?;
        Ok(file)
    }

    /// The path of a new directory; an old one of that name is removed.
    fn directory(&self, name: &str) -> Result<PathBuf, Failed> {
        let path = Path::new(self.path).join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// Everything on the device is durable that was stored there since the scenario began.
    fn all_durable(&self) -> Outcome {
        let parts = memory::of(Path::new(self.path))?;
        let ranges: Vec<_> = parts.iter().map(|part| [part.start, part.len]).collect();
        let lost = persist::check_memory(&ranges);
        none_lost(lost, |address| format!("physical address {address:#x}"))
    }
}

/// What was stored in that part of the file is durable.
fn durable(file: &File, off: usize, len: usize) -> Outcome {
    let first = off / PAGE * PAGE;
    let view = View::new(file, first, off + len - first)?;
    checked(&view, first, off - first, len)
}

/// For a part of a mapping that begins at that offset of the file.
fn checked(view: &View, start: usize, off: usize, len: usize) -> Outcome {
    none_lost(view.lost(off, len), |offset| {
        format!("offset {:#x} of the file", (start + off) as u64 + offset)
    })
}

fn none_lost(
    answer: Result<Vec<Lost>, persist::NoAnswer>,
    place: impl FnOnce(u64) -> String,
) -> Outcome {
    let lost =
        answer.map_err(|why| format!("no answer: {why:?}; the checker's report says why"))?;
    let Some(first) = lost.first() else {
        return Ok(());
    };
    let state = match first.pending {
        true => "on its way without a fence",
        false => "dirty",
    };
    Err(Failed::Lost(format!(
        "a power cut would lose {} lines; the first is at {}, {state}, stored to by {}",
        lost.len(),
        place(first.offset),
        symbols::name(first.origin),
    )))
}

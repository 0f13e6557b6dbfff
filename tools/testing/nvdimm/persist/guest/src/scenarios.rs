// SPDX-License-Identifier: GPL-2.0

//! Scenarios: each stores data, makes it durable, and asks the checker whether it is.

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

/// The place of a scenario, and the steps that it leaves out.
pub struct Place<'a> {
    /// A directory, or a device.
    pub path: &'a str,
    pub without: &'a str,
}

/// The reason why a scenario did not pass.
pub enum Failed {
    /// A power cut would lose lines.
    Lost(String),
    /// The scenario cannot run there.
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

/// The scenarios by the place that they need: a filesystem with DAX, any filesystem, a block
/// device.
pub const GROUPS: [(&str, &[Scenario]); 3] = [
    ("dax", dax::SCENARIOS),
    ("any", any::SCENARIOS),
    ("device", device::SCENARIOS),
];

impl Place<'_> {
    /// Makes a file of that size, written and durable.
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

    /// Makes a directory and returns its path; removes an old one of that name.
    fn directory(&self, name: &str) -> Result<PathBuf, Failed> {
        let path = Path::new(self.path).join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// Checks that all stores to the device since the scenario began are durable.
    fn all_durable(&self) -> Outcome {
        let parts = memory::of(Path::new(self.path))?;
        let ranges: Vec<_> = parts.iter().map(|part| [part.start, part.len]).collect();
        let lost = persist::check_memory(&ranges);
        none_lost(lost, |address| format!("physical address {address:#x}"))
    }
}

/// Checks that this range of the file is durable.
fn durable(file: &File, off: usize, len: usize) -> Outcome {
    let first = off / PAGE * PAGE;
    let view = View::new(file, first, off + len - first)?;
    checked(&view, first, off - first, len)
}

/// Checks that a range of a view is durable; the view begins at offset `start` of the file.
fn checked(view: &View, start: usize, off: usize, len: usize) -> Outcome {
    none_lost(view.lost(off, len), |offset| {
        format!("offset {:#x} of the file", (start + off) as u64 + offset)
    })
}

fn none_lost(
    answer: Result<Vec<Lost>, persist::NoAnswer>,
    place: impl FnOnce(u64) -> String,
) -> Outcome {
    let lost = answer
        .map_err(|why| format!("no answer: {why:?}; see the checker's report for the reason"))?;
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

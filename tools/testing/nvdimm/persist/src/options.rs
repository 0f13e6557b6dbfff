// SPDX-License-Identifier: GPL-2.0

//! The plugin's options on QEMU's command line.

use std::fs::File;
use std::path::PathBuf;

use crate::timeline::Timeline;

/// Which instructions count as fences.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fences {
    /// Only fence instructions: the plugin finds a missing one.
    Strict,
    /// Locked instructions too: the journal on another CPU may rely on them.
    Smp,
}

/// The `name=value` pairs.
pub struct Options {
    /// `range=START+LEN`, hexadecimal, any number of them: persistent memory that the guest does
    /// not report itself. The first physical address, and the one behind the last.
    pub ranges: Vec<(u64, u64)>,
    /// `fences=strict|smp`.
    pub fences: Fences,
    /// `report=FILE`.
    pub report: File,
    /// The report's path.
    pub path: PathBuf,
    /// `timeline=FILE`; optional.
    pub timeline: Timeline,
    /// `watch=all|markers`: whether the plugin watches everything at first, or only markers.
    pub all: bool,
    /// `turns=yes`: QEMU executes several CPUs in turns (`-accel tcg,thread=single`), so that all
    /// stores have an order. Instructions are not counted then, because QEMU 11.1 crashes when such
    /// CPUs increment the counter of a plugin.
    pub turns: bool,
}

impl Options {
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut ranges, mut fences, mut report) = (Vec::new(), Fences::Strict, None);
        let mut timeline = Timeline::default();
        let (mut path, mut all, mut turns) = (PathBuf::new(), true, false);
        let create = |path: &str| File::create(path).map_err(|error| format!("{path}: {error}"));
        for word in words {
            match word.split_once('=') {
                Some(("range", range)) => ranges.push(parse_range(range)?),
                Some(("fences", "strict")) => fences = Fences::Strict,
                Some(("fences", "smp")) => fences = Fences::Smp,
                Some(("watch", "all")) => all = true,
                Some(("watch", "markers")) => all = false,
                Some(("turns", "yes")) => turns = true,
                Some(("report", name)) => {
                    report = Some(create(name)?);
                    path = name.into();
                }
                Some(("timeline", path)) => timeline = Timeline::new(create(path)?),
                _ => return Err(format!("unknown argument {word}")),
            }
        }
        let report = report.ok_or("say where to write to: report=FILE")?;
        Ok(Self {
            ranges,
            fences,
            report,
            path,
            timeline,
            all,
            turns,
        })
    }
}

fn parse_range(text: &str) -> Result<(u64, u64), String> {
    let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let parsed = || {
        let (start, len) = text.split_once('+')?;
        let (start, len) = (number(start)?, number(len)?);
        Some((start, start.checked_add(len)?))
    };
    parsed().ok_or(format!("{text} is no range; use START+LEN, hexadecimal"))
}

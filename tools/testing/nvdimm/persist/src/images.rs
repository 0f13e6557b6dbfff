// SPDX-License-Identifier: GPL-2.0

//! Crash images: records memory, and writes the contents that a power cut could have left to
//! another part of the guest's memory, or to a file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::content::{Keep, LINE};
use crate::lines::{Cpu, Store};
use crate::qemu;
use crate::recording::{Player, Recording};

const PAGE: usize = 4096;

/// The request of a program in the guest, in 64-bit words at an address that it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Begin to record the events of these physical addresses.
    Begin { start: u64, len: usize },
    /// Return the number of events so far.
    Now,
    /// End the recording.
    End,
    /// Write the image of a cut to that physical address.
    Build { cut: Cut, to: u64 },
    /// Write the image of a cut to a file.
    Save { cut: Cut },
    /// Watch only markers, which is faster, or watch everything again.
    Watch { all: bool },
}

/// A power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The number of events before the cut.
    after: usize,
    keep: Keep,
}

impl Request {
    pub fn new(words: &[u64]) -> Option<Self> {
        let cut = |after, keep, seed| {
            let keep = match keep {
                0 => Keep::Nothing,
                1 => Keep::Everything,
                2 => Keep::Random { seed },
                _ => return None,
            };
            let after = usize::try_from(after).ok()?;
            Some(Cut { after, keep })
        };
        Some(match *words {
            [0, start, len] => Self::Begin {
                start,
                len: usize::try_from(len).ok()?,
            },
            [1] => Self::Now,
            [2] => Self::End,
            [3, after, keep, seed, to] => Self::Build {
                cut: cut(after, keep, seed)?,
                to,
            },
            [4, after, keep, seed] => Self::Save {
                cut: cut(after, keep, seed)?,
            },
            [5, all @ (0 | 1)] => Self::Watch { all: all == 1 },
            _ => return None,
        })
    }
}

/// The images of one guest.
pub struct Images {
    /// The prefix of the files' names.
    path: PathBuf,
    saved: usize,
    recorded: Option<Recorded>,
}

/// A range of memory and its events.
struct Recorded {
    start: u64,
    recording: Recording,
    player: Player,
    ended: bool,
}

/// The numbers of an image, for the report.
struct Built {
    /// The number of lines that could have another content than the durable one.
    open: usize,
    /// The number of those that have another content in this image.
    kept: usize,
}

impl Images {
    /// Saved images are files whose names begin with `path`.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            saved: 0,
            recorded: None,
        }
    }

    /// Records a store of `data` at that physical address, within a page.
    pub fn store(&mut self, cpu: Cpu, address: u64, data: &[u8], how: Store) {
        if let Some((recording, at)) = self.at(address) {
            let len = data.len().min(recording.size() - at);
            recording.store(cpu, at, &data[..len], how);
        }
    }

    /// Records a write-back of the line at that physical address.
    pub fn write_back(&mut self, cpu: Cpu, address: u64) {
        if let Some((recording, at)) = self.at(address) {
            recording.write_back(cpu, at);
        }
    }

    pub fn fence(&mut self, cpu: Cpu) {
        if let Some(recording) = self.running() {
            recording.fence(cpu);
        }
    }

    /// Records a locked instruction, which is a fence.
    pub fn locked(&mut self, cpu: Cpu) {
        if let Some(recording) = self.running() {
            recording.locked(cpu);
        }
    }

    fn running(&mut self) -> Option<&mut Recording> {
        let recorded = self.recorded.as_mut().filter(|recorded| !recorded.ended);
        recorded.map(|recorded| &mut recorded.recording)
    }

    /// The current recording, and the offset of the address in it.
    fn at(&mut self, address: u64) -> Option<(&mut Recording, usize)> {
        let recorded = self.recorded.as_mut()?;
        let at = usize::try_from(address.checked_sub(recorded.start)?).ok()?;
        (at < recorded.recording.size() && !recorded.ended).then_some((&mut recorded.recording, at))
    }

    /// Answers a request; returns the answer and a line for the report.
    pub fn answer(&mut self, request: Request) -> Result<(u64, Option<String>), String> {
        if let Request::Begin { start, len } = request {
            self.recorded = Some(Recorded::begin(start, len)?);
            return Ok((0, None));
        }
        let recorded = self.recorded.as_mut().ok_or("nothing was recorded")?;
        let said = |cut: Cut, built: &Built| {
            let Cut { after, keep } = cut;
            let Built { open, kept } = built;
            format!("image\t{after}\t{keep:?}\t{open}\t{kept}")
        };
        match request {
            Request::Now => Ok((recorded.recording.now() as u64, None)),
            Request::End => {
                let unseen = recorded.end()?;
                let now = recorded.recording.now();
                let said = format!("recorded\t{now}\t{unseen:x?}");
                Ok((unseen.len() as u64, Some(said)))
            }
            Request::Build { cut, to } => {
                let built = recorded.build(cut, to)?;
                Ok((built.open as u64, Some(said(cut, &built))))
            }
            Request::Save { cut } => {
                let mut path = self.path.clone().into_os_string();
                path.push(format!("-image-{}", self.saved + 1));
                let built = recorded.save(cut, Path::new(&path))?;
                self.saved += 1;
                Ok((self.saved as u64, Some(said(cut, &built))))
            }
            Request::Begin { .. } | Request::Watch { .. } => {
                Err("no recording handles this request".into())
            }
        }
    }
}

impl Recorded {
    /// Begins a recording. The current content of memory counts as durable.
    fn begin(start: u64, len: usize) -> Result<Self, String> {
        let first = qemu::read_physical(start, len).ok_or("there is no such memory")?;
        let recording = Recording::new(first)?;
        Ok(Self {
            start,
            player: Player::new(&recording),
            recording,
            ended: false,
        })
    }

    /// Ends the recording. Returns the addresses of lines whose content differs from the recorded
    /// stores; there should be none.
    fn end(&mut self) -> Result<Vec<u64>, String> {
        self.ended = true;
        let held = qemu::read_physical(self.start, self.recording.size());
        let held = held.ok_or("the memory that was recorded is gone")?;
        self.player.play(&self.recording, self.recording.now());
        let seen = self.player.memory.current();
        let other = |n: &usize| held[*n..][..LINE] != seen[*n..][..LINE];
        let lines = (0..held.len()).step_by(LINE).filter(other);
        Ok(lines.map(|n| self.start + n as u64).collect())
    }

    /// Writes the image to that physical address, except for bytes that memory has already.
    fn build(&mut self, cut: Cut, to: u64) -> Result<Built, String> {
        let (built, image) = self.image(cut)?;
        let held = qemu::read_physical(to, image.len()).ok_or("there is no such memory")?;
        for (n, page) in image.chunks(PAGE).enumerate() {
            let at = n * PAGE;
            if held[at..at + page.len()] != *page && !qemu::write_physical(to + at as u64, page) {
                return Err("that memory cannot be written".into());
            }
        }
        Ok(built)
    }

    /// Writes the image to a file, with holes where it is zero.
    fn save(&mut self, cut: Cut, path: &Path) -> Result<Built, String> {
        let (built, image) = self.image(cut)?;
        let write = || -> io::Result<()> {
            let file = File::create(path)?;
            file.set_len(image.len() as u64)?;
            for (n, page) in image.chunks(PAGE).enumerate() {
                if page.iter().any(|byte| *byte != 0) {
                    file.write_all_at(page, (n * PAGE) as u64)?;
                }
            }
            Ok(())
        };
        write().map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(built)
    }

    fn image(&mut self, cut: Cut) -> Result<(Built, Vec<u8>), String> {
        if cut.after > self.recording.now() {
            return Err("the cut is after the last event".into());
        }
        self.player.play(&self.recording, cut.after);
        let memory = &self.player.memory;
        let kept = memory.cut(cut.keep);
        let mut image = memory.durable().to_vec();
        for (at, left) in &kept {
            image[*at..*at + LINE].copy_from_slice(left);
        }
        let built = Built {
            open: memory.open(),
            kept: kept.len(),
        };
        Ok((built, image))
    }
}

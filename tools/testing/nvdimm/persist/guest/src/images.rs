// SPDX-License-Identifier: GPL-2.0

//! Crash images: the contents that a power cut could have left in a range of physical memory.
//!
//! The checker records all events of the memory between [`begin`] and [`end`]. Afterwards it makes
//! the image of a cut at any time in between, in another range of memory.

use crate::{ask, NoAnswer};

/// Which stores a cut keeps of the lines that are not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// None: no cache has written a line back by itself.
    Nothing,
    /// The last store to each line.
    Everything,
    /// A random version of each line.
    Random { seed: u64 },
}

/// A power cut after that many events of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub after: u64,
    pub keep: Keep,
}

impl Cut {
    fn words(self) -> [u64; 3] {
        let (keep, seed) = match self.keep {
            Keep::Nothing => (0, 0),
            Keep::Everything => (1, 0),
            Keep::Random { seed } => (2, seed),
        };
        [self.after, keep, seed]
    }
}

fn request(words: &[u64]) -> Result<u64, NoAnswer> {
    ask(5, words.as_ptr().cast(), words.len())
}

/// Begins to record `len` bytes of physical memory, whose current content counts as durable.
pub fn begin(start: u64, len: u64) -> Result<(), NoAnswer> {
    request(&[0, start, len]).map(drop)
}

/// The number of events so far.
pub fn now() -> Result<u64, NoAnswer> {
    request(&[1])
}

/// Ends the recording. Returns the number of lines whose content differs from the recorded stores,
/// which is an error of the checker.
pub fn end() -> Result<u64, NoAnswer> {
    request(&[2])
}

/// Writes the image to that physical address, whose memory must not be in use. Returns the number
/// of lines that could have several contents after the cut.
pub fn build(cut: Cut, to: u64) -> Result<u64, NoAnswer> {
    let [after, keep, seed] = cut.words();
    request(&[3, after, keep, seed, to])
}

/// Writes the image to a file beside the checker's report: `report-image-N`. Returns N.
pub fn save(cut: Cut) -> Result<u64, NoAnswer> {
    let [after, keep, seed] = cut.words();
    request(&[4, after, keep, seed])
}

/// Has the checker watch only markers, which is faster, or everything again.
pub fn watch(everything: bool) -> Result<(), NoAnswer> {
    request(&[5, everything.into()]).map(drop)
}

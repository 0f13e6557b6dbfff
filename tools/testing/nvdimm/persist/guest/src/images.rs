// SPDX-License-Identifier: GPL-2.0

//! Crash images: what a power cut could have left of a part of physical memory.
//!
//! The checker records all that happens to the memory between [`begin`] and [`end`]. Afterwards it
//! makes the image of a cut at any time in between, in another part of memory.

use crate::{ask, NoAnswer};

/// What a cut keeps of the lines that are not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: no cache has written anything back by itself.
    Nothing,
    /// The last store to each line.
    Everything,
    /// Of each line something, by chance.
    Random { seed: u64 },
}

/// A power cut, after so many events of the recording.
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

/// Records what happens to `len` bytes of physical memory. What is there now counts as durable.
pub fn begin(start: u64, len: u64) -> Result<(), NoAnswer> {
    request(&[0, start, len]).map(drop)
}

/// The number of events so far.
pub fn now() -> Result<u64, NoAnswer> {
    request(&[1])
}

/// Ends the recording; the number of lines that hold what nobody was seen to store, which is an
/// error of the checker.
pub fn end() -> Result<u64, NoAnswer> {
    request(&[2])
}

/// Puts the image to that physical address. Nobody may use the memory meanwhile. The number of
/// lines of which the cut could leave several things.
pub fn build(cut: Cut, to: u64) -> Result<u64, NoAnswer> {
    let [after, keep, seed] = cut.words();
    request(&[3, after, keep, seed, to])
}

/// Writes the image to a file beside the checker's report: `report-image-N`. The answer is N.
pub fn save(cut: Cut) -> Result<u64, NoAnswer> {
    let [after, keep, seed] = cut.words();
    request(&[4, after, keep, seed])
}

/// Watches markers only, which takes less time, or again everything.
pub fn watch(everything: bool) -> Result<(), NoAnswer> {
    request(&[5, everything.into()]).map(drop)
}

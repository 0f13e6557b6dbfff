// SPDX-License-Identifier: GPL-2.0

//! Images that another kernel recovers: it boots over the same memory, and has to find the files
//! that this kernel found.

use std::fmt::Write;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::PathBuf;

use persist::history::Found;
use persist::images::{self, Cut};

use crate::disk::Disk;
use crate::no_answer;

/// Where images are kept for the other kernel.
pub struct Elsewhere {
    /// The devices that get an image each.
    disks: Vec<String>,
    /// The directory that gets a file for each of them, with the files that belong there.
    notes: PathBuf,
}

impl Elsewhere {
    /// What the environment asks for: `KEEP='pmem2 pmem3'` and `NOTES=DIR`. Without these, nothing
    /// is kept.
    pub fn asked() -> Self {
        let words = std::env::var("KEEP").unwrap_or_default();
        Self {
            disks: words.split_whitespace().map(String::from).collect(),
            notes: std::env::var("NOTES").unwrap_or_default().into(),
        }
    }

    /// Keeps the image `number` of `all` if it is one of those for the other kernel, which are
    /// spread evenly. `found` are the files that this kernel found in it.
    pub fn keep(
        &self,
        (number, all): (usize, usize),
        cut: Cut,
        filesystem: &str,
        found: &Found,
    ) -> io::Result<()> {
        let is_turn = |n: &usize| (n + 1) * all / (self.disks.len() + 1) == number;
        let Some(name) = (0..self.disks.len()).find(is_turn).map(|n| &self.disks[n]) else {
            return Ok(());
        };
        let disk = Disk {
            name,
            filesystem,
            dir: "/mnt/image",
        };
        images::build(cut, disk.memory()?.0).map_err(no_answer)?;
        fs::create_dir_all(&self.notes)?;
        fs::write(
            self.notes.join(name),
            format!("{filesystem}\n{}", listing(found)),
        )
    }
}

/// A line for each file: its name, its size, and a number that depends on its content.
pub fn listing(found: &Found) -> String {
    let mut lines = String::new();
    for (name, content) in found {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        // writing to a string cannot fail
        let _ = writeln!(lines, "{name} {} {:x}", content.len(), hasher.finish());
    }
    lines
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn listings_differ_if_a_byte_does() {
        let files = |content: &[u8]| Found::from([("a".into(), content.into())]);
        let one = listing(&files(b"xyz"));
        assert_eq!(one, listing(&files(b"xyz")));
        assert!(one.starts_with("a 3 "));
        for other in [&b"xyy"[..], b"xy", b""] {
            assert_ne!(one, listing(&files(other)));
        }
    }
}

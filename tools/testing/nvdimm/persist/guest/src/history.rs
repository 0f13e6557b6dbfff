// SPDX-License-Identifier: GPL-2.0

//! The contents of files over time and their syncs, and so the contents that may exist after a
//! power cut.
//!
//! A time is a number of events of the recording. After a cut later than the beginning of a change,
//! any part of the change may be there. After a cut at or after the end of a sync, the data of the
//! sync must be there.

use std::collections::BTreeMap;
use std::ops::Range;

pub type Time = u64;
/// The numbers of files, by name.
pub type Names = BTreeMap<String, usize>;
/// The contents of the files after a cut, by name.
pub type Found = BTreeMap<String, Vec<u8>>;

/// The versions of a value, and the syncs of versions.
struct History<T> {
    /// Each version, with the time when the change to it began.
    versions: Vec<(Time, T)>,
    /// The number of a synced version, with the time when the sync ended.
    synced: Vec<(Time, usize)>,
}

impl<T> History<T> {
    fn new(first: T) -> Self {
        Self {
            versions: vec![(0, first)],
            synced: Vec::new(),
        }
    }

    fn change(&mut self, begun: Time, to: T) {
        self.versions.push((begun, to));
    }

    fn sync(&mut self, ended: Time) {
        self.synced.push((ended, self.newest()));
    }

    fn newest(&self) -> usize {
        self.versions.len() - 1
    }

    fn last(&self) -> &T {
        &self.versions[self.newest()].1
    }

    /// The numbers of the versions that may exist after a cut.
    fn possible(&self, cut: Time) -> Range<usize> {
        let synced = self.synced.iter().filter(|(ended, _)| *ended <= cut);
        let first = synced.map(|(_, version)| *version).max().unwrap_or(0);
        let begun = self.versions.partition_point(|(begun, _)| *begun < cut);
        first..begun.max(first + 1)
    }
}

/// A sync of a range of a file, without its size.
struct Part {
    ended: Time,
    version: usize,
    range: Range<usize>,
}

/// A file. After a cut, each byte is old or new independently of the others, and so is the size.
pub struct File {
    contents: History<Vec<u8>>,
    parts: Vec<Part>,
    /// The size of each version; a range, if the file may grow in steps.
    sizes: History<Range<usize>>,
}

impl File {
    /// An empty file.
    pub(crate) fn new() -> Self {
        Self {
            contents: History::new(Vec::new()),
            parts: Vec::new(),
            sizes: History::new(0..1),
        }
    }

    /// The current content.
    pub fn content(&self) -> &[u8] {
        self.contents.last()
    }

    pub fn change(&mut self, begun: Time, content: Vec<u8>) {
        let size = content.len();
        self.sizes.change(begun, size..size + 1);
        self.contents.change(begun, content);
    }

    /// Records a change after which a cut may leave any size from the old one to the new one.
    pub fn grow(&mut self, begun: Time, content: Vec<u8>) {
        self.sizes
            .change(begun, self.content().len()..content.len() + 1);
        self.change(begun, content);
    }

    pub fn sync(&mut self, ended: Time) {
        self.contents.sync(ended);
        self.sizes.sync(ended);
    }

    /// Records a sync of these bytes only.
    pub fn sync_part(&mut self, ended: Time, range: Range<usize>) {
        let version = self.contents.newest();
        self.parts.push(Part {
            ended,
            version,
            range,
        });
    }

    pub fn sync_size(&mut self, ended: Time) {
        self.sizes.sync(ended);
    }

    fn judge(&self, cut: Time, found: &[u8]) -> Result<(), String> {
        let sizes = &self.sizes.versions[self.sizes.possible(cut)];
        if !sizes.iter().any(|(_, size)| size.contains(&found.len())) {
            let sizes = sizes.iter().map(|(_, size)| size.end - 1);
            let sizes: Vec<_> = sizes.collect();
            return Err(format!("its size is {}, of {sizes:?}", found.len()));
        }
        let possible = self.contents.possible(cut);
        let parts: Vec<_> = self
            .parts
            .iter()
            .filter(|part| part.ended <= cut && part.version > possible.start)
            .collect();
        for (at, byte) in found.iter().enumerate() {
            let covering = parts.iter().filter(|part| part.range.contains(&at));
            let first = covering.map(|part| part.version).max();
            let versions = &self.contents.versions[first.unwrap_or(possible.start)..possible.end];
            // bytes behind the old end are zeroes when the file grows
            let values = versions
                .iter()
                .rev()
                .map(|(_, content)| content.get(at).copied().unwrap_or(0));
            if !values.clone().any(|value| value == *byte) {
                let values: Vec<_> = values.collect();
                return Err(format!("byte {at:#x} is {byte:#x}, of {values:x?}"));
            }
        }
        Ok(())
    }
}

/// A directory and its files.
pub struct Tree {
    pub files: Vec<File>,
    names: History<Names>,
}

impl Tree {
    /// An empty directory.
    pub(crate) fn new() -> Self {
        Self {
            files: Vec::new(),
            names: History::new(Names::new()),
        }
    }

    /// The current names.
    pub fn names(&self) -> &Names {
        self.names.last()
    }

    pub fn rename(&mut self, begun: Time, names: Names) {
        self.names.change(begun, names);
    }

    /// Records a sync of the directory: of its names, not of the files' contents.
    pub fn sync_names(&mut self, ended: Time) {
        self.names.sync(ended);
    }

    /// Checks that a cut at that time can leave these files. Names change in order: all names after
    /// the cut are of the same time.
    pub fn judge(&self, cut: Time, found: &Found) -> Result<(), String> {
        let mut why = None;
        let possible = &self.names.versions[self.names.possible(cut)];
        for (_, names) in possible.iter().rev() {
            if !names.keys().eq(found.keys()) {
                continue;
            }
            let file = |(name, number): (&String, &usize)| {
                let judged = self.files[*number].judge(cut, &found[name]);
                judged.map_err(|why| format!("{name}: {why}"))
            };
            match names.iter().try_for_each(file) {
                Ok(()) => return Ok(()),
                Err(error) => why = Some(error),
            }
        }
        Err(why.unwrap_or_else(|| {
            let names: Vec<_> = possible.iter().map(|(_, names)| names.keys()).collect();
            format!("there is {:?}, of {names:?}", found.keys())
        }))
    }
}

#[cfg(test)]
mod test {
    use super::*;

    /// A file `f` that is written at 10, synced until 20, and written at 30 and 40.
    fn tree() -> Tree {
        let mut tree = Tree::new();
        let mut file = File::new();
        file.change(10, b"aaaa".into());
        file.sync(20);
        file.change(30, b"bbbb".into());
        file.change(40, b"ccccc".into());
        tree.files.push(file);
        tree.rename(5, Names::from([("f".into(), 0)]));
        tree.sync_names(20);
        tree
    }

    fn found(name: &str, content: &[u8]) -> Found {
        Found::from([(name.into(), content.into())])
    }

    #[test]
    fn after_a_sync_it_is_there() {
        for cut in [20, 25, 30] {
            assert_eq!(tree().judge(cut, &found("f", b"aaaa")), Ok(()));
            for lost in [&b""[..], b"aaa", b"aaa\0", b"aaab", b"aaaaa"] {
                assert!(tree().judge(cut, &found("f", lost)).is_err(), "{lost:?}");
            }
            assert!(tree().judge(cut, &Found::new()).is_err());
            assert!(tree().judge(cut, &found("g", b"aaaa")).is_err());
        }
    }

    #[test]
    fn before_a_sync_anything_may_be_there_that_was_written() {
        assert_eq!(tree().judge(5, &Found::new()), Ok(()));
        assert!(tree().judge(5, &found("f", b"")).is_err());
        assert_eq!(tree().judge(19, &Found::new()), Ok(()));
        for part in [&b""[..], b"aaaa", b"a\0\0a"] {
            assert_eq!(tree().judge(19, &found("f", part)), Ok(()), "{part:?}");
        }
        assert!(tree().judge(19, &found("f", b"aab\0")).is_err());
        assert!(tree().judge(10, &found("f", b"aaaa")).is_err());
        for part in [&b"abca"[..], b"bbbb", b"acac\0", b"ccccc"] {
            assert_eq!(tree().judge(41, &found("f", part)), Ok(()), "{part:?}");
        }
        for never in [&b"abc\0"[..], b"ccccb", b"abcadd"] {
            assert!(tree().judge(41, &found("f", never)).is_err(), "{never:?}");
        }
    }

    #[test]
    fn a_part_is_synced_alone() {
        let mut tree = tree();
        tree.files[0].sync_part(50, 1..3);
        assert_eq!(tree.judge(50, &found("f", b"acca")), Ok(()));
        assert!(tree.judge(50, &found("f", b"acba")).is_err());
        assert_eq!(tree.judge(49, &found("f", b"acba")), Ok(()));
        tree.files[0].sync_size(60);
        assert!(tree.judge(60, &found("f", b"acca")).is_err());
        assert_eq!(tree.judge(60, &found("f", b"acca\0")), Ok(()));
    }

    #[test]
    fn names_are_all_of_one_time() {
        let mut tree = Tree::new();
        tree.files = vec![File::new(), File::new()];
        tree.files[0].grow(10, b"xx".into());
        let names = |names: &[(&str, usize)]| {
            let names = names.iter().map(|(name, number)| ((*name).into(), *number));
            names.collect::<Names>()
        };
        tree.rename(1, names(&[("a", 0)]));
        tree.rename(2, names(&[("a", 0), ("b", 1)]));
        tree.sync_names(15);
        tree.rename(20, names(&[("b", 0)]));
        let both =
            |a: &[u8], b: &[u8]| Found::from([("a".into(), a.into()), ("b".into(), b.into())]);
        assert_eq!(tree.judge(20, &both(b"x", b"")), Ok(()));
        assert!(tree.judge(20, &both(b"", b"x")).is_err());
        assert_eq!(tree.judge(21, &both(b"", b"")), Ok(()));
        assert_eq!(tree.judge(21, &found("b", b"x")), Ok(()));
        assert!(tree.judge(21, &found("a", b"x")).is_err());
        tree.sync_names(30);
        assert!(tree.judge(30, &both(b"", b"")).is_err());
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Random operations on the files of a directory, and the history that they make.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use rustix::fs::{ioctl_ficlone, syncfs};

use crate::change::{part, Change};
use crate::history::{File, Names, Time, Tree};
use crate::view::{View, PAGE};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// An operation, and its times.
pub struct Done {
    pub what: String,
    pub begun: Time,
    pub ended: Time,
    /// The operation was a sync.
    pub syncs: bool,
}

#[derive(Clone, Copy, Debug)]
enum Syncing {
    /// `fsync()` of a file.
    Fsync,
    Fdatasync,
    /// `msync()` of a part of a file.
    Msync,
    Directory,
    Everything,
}

#[derive(Clone, Copy, Debug)]
enum Naming {
    Create,
    Unlink,
    Rename,
}

/// An operation that a scenario chooses, on files by their names.
pub enum Step<'a> {
    Create(&'a str),
    Change(&'a str, Change),
    /// Clones the blocks of the second file into the first.
    Share(&'a str, &'a str),
    /// `syncfs()`, and `fsync()` of the file.
    SyncAll(&'a str),
}

pub struct Workload<'a> {
    dir: &'a Path,
    /// Whether files can share blocks.
    shares: bool,
    random: Rng,
    clock: Clock,
    pub tree: Tree,
    pub done: Vec<Done>,
}

/// Returns the current time of the recording.
pub type Clock = fn() -> io::Result<Time>;

impl<'a> Workload<'a> {
    /// Prepares a workload in an empty directory.
    pub fn new(dir: &'a Path, shares: bool, seed: u64, clock: Clock) -> Self {
        Self {
            dir,
            shares,
            random: Rng::with_seed(seed),
            clock,
            tree: Tree::new(),
            done: Vec::new(),
        }
    }

    /// Runs a random operation.
    pub fn step(&mut self) -> io::Result<()> {
        self.record(|this, begun| {
            let names = this.tree.names().clone();
            let percent = this.random.u32(..100);
            match this.random.choice(names.iter()) {
                Some((name, number)) if percent < 46 => this.random_change(begun, name, *number),
                Some((name, number)) if percent < 50 => this.random_share(begun, name, *number),
                Some((name, number)) if percent < 85 => this.random_sync(name, *number),
                _ => this.name(begun, names),
            }
        })
    }

    /// Runs this operation.
    pub fn make(&mut self, step: Step<'_>) -> io::Result<()> {
        self.record(|this, begun| match step {
            Step::Create(name) => this.create(begun, this.tree.names().clone(), name),
            Step::Change(name, change) => this.change(begun, name, this.number(name)?, &change),
            Step::Share(name, other) => {
                this.share(begun, name, this.number(name)?, other, this.number(other)?)
            }
            Step::SyncAll(name) => this.sync(name, this.number(name)?, Syncing::Everything),
        })
    }

    /// Records an operation, which says what it did and whether that was a sync.
    fn record(
        &mut self,
        operation: impl FnOnce(&mut Self, Time) -> io::Result<(String, bool)>,
    ) -> io::Result<()> {
        let begun = (self.clock)()?;
        let (what, syncs) = operation(self, begun)?;
        let ended = (self.clock)()?;
        self.done.push(Done {
            what,
            begun,
            ended,
            syncs,
        });
        Ok(())
    }

    fn number(&self, name: &str) -> io::Result<usize> {
        let number = self.tree.names().get(name).copied();
        number.ok_or_else(|| io::Error::other(format!("there is no file {name}")))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn open(&self, name: &str) -> io::Result<fs::File> {
        let mut how = OpenOptions::new();
        how.read(true).write(true).open(self.path(name))
    }

    fn random_change(
        &mut self,
        begun: Time,
        name: &str,
        number: usize,
    ) -> io::Result<(String, bool)> {
        let size = self.tree.files[number].content().len();
        let change = Change::new(&mut self.random, size, self.done.len());
        self.change(begun, name, number, &change)
    }

    fn change(
        &mut self,
        begun: Time,
        name: &str,
        number: usize,
        change: &Change,
    ) -> io::Result<(String, bool)> {
        let file = &mut self.tree.files[number];
        let size = file.content().len();
        let content = change.of(file.content().to_vec());
        change.make(&self.open(name)?, size)?;
        let file = &mut self.tree.files[number];
        file.change(begun, content);
        let durable = change.durable();
        let syncs = durable.is_some();
        if let Some(range) = durable {
            file.sync_part((self.clock)()?, range);
        }
        if change.size_is_durable() {
            file.sync_size((self.clock)()?);
        }
        Ok((format!("{name}: {change}"), syncs))
    }

    fn random_share(
        &mut self,
        begun: Time,
        name: &str,
        number: usize,
    ) -> io::Result<(String, bool)> {
        let names = self.tree.names().clone();
        let others = names.iter().filter(|(_, other)| **other != number);
        let other = self.random.choice(others.collect::<Vec<_>>());
        match (other, self.shares) {
            (Some((other, from)), true) => self.share(begun, name, number, other, *from),
            _ => Ok(("nothing".into(), false)),
        }
    }

    /// Clones another file's blocks into the file.
    fn share(
        &mut self,
        begun: Time,
        name: &str,
        number: usize,
        other: &str,
        from: usize,
    ) -> io::Result<(String, bool)> {
        let content = self.tree.files[from].content().to_vec();
        let to = self.open(name)?;
        to.set_len(0)?;
        self.tree.files[number].change(begun, Vec::new());
        ioctl_ficlone(&to, &self.open(other)?)?;
        self.tree.files[number].grow(begun, content);
        Ok((format!("{name}: Share {other}"), false))
    }

    fn random_sync(&mut self, name: &str, number: usize) -> io::Result<(String, bool)> {
        use Syncing::*;
        let kinds = [
            Fsync, Fsync, Fsync, Fdatasync, Fdatasync, Msync, Directory, Directory, Everything,
        ];
        let kind = *self.random.choice(&kinds).expect("there are some");
        self.sync(name, number, kind)
    }

    fn sync(&mut self, name: &str, number: usize, kind: Syncing) -> io::Result<(String, bool)> {
        use Syncing::*;
        let file = self.open(name)?;
        let size = self.tree.files[number].content().len();
        match kind {
            Msync if size == 0 => return Ok(("nothing".into(), false)),
            Msync => {
                let (off, len) = part(&mut self.random, size);
                let (first, end) = (off / PAGE * PAGE, off + len);
                View::new(&file, 0, size)?.sync(first, end - first)?;
                self.tree.files[number].sync_part((self.clock)()?, first..end);
                return Ok((format!("{name}: Msync {first:#x} {:#x}", end - first), true));
            }
            Fsync => file.sync_all()?,
            Fdatasync => file.sync_data()?,
            Directory => fs::File::open(self.dir)?.sync_all()?,
            Everything => {
                syncfs(&file)?;
                // for a syncfs, xfs sends no flush if its log has nothing to write
                file.sync_all()?;
            }
        }
        let ended = (self.clock)()?;
        if matches!(kind, Directory | Everything) {
            self.tree.sync_names(ended);
        }
        match kind {
            Directory => {}
            Everything => self.tree.files.iter_mut().for_each(|file| file.sync(ended)),
            _ => self.tree.files[number].sync(ended),
        }
        Ok((format!("{name}: {kind:?}"), true))
    }

    fn name(&mut self, begun: Time, mut names: Names) -> io::Result<(String, bool)> {
        use Naming::*;
        let kind = self.random.choice(&[Create, Create, Unlink, Rename]);
        let (old, new) = (self.random.choice(&NAMES), self.random.choice(&NAMES));
        let (Some(kind), Some(old), Some(new)) = (kind, old, new) else {
            unreachable!("there are some of each")
        };
        let there = |name: &&str| names.contains_key(*name);
        let what = match kind {
            Create if !there(new) => return self.create(begun, names, new),
            Unlink if there(old) => {
                fs::remove_file(self.path(old))?;
                names.remove(*old);
                format!("{old}: Unlink")
            }
            Rename if there(old) && old != new => {
                fs::rename(self.path(old), self.path(new))?;
                let number = names.remove(*old).expect("the name exists");
                names.insert((*new).into(), number);
                format!("{old}: Rename {new}")
            }
            _ => return Ok(("nothing".into(), false)),
        };
        self.tree.rename(begun, names);
        Ok((what, false))
    }

    fn create(&mut self, begun: Time, mut names: Names, new: &str) -> io::Result<(String, bool)> {
        fs::File::create_new(self.path(new))?;
        names.insert(new.into(), self.tree.files.len());
        self.tree.files.push(File::new());
        self.tree.rename(begun, names);
        Ok((format!("{new}: Create"), false))
    }
}

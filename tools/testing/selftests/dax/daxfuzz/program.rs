// SPDX-License-Identifier: GPL-2.0

//! Programs of the fuzzer, and their text form: phases of operations, each with its thread.
//!
//! ```text
//! fs xfs
//! phase
//! 0 write 0 0x1000 0x200 3 plain
//! 1 load 0 0x0 0x800
//! phase poison 1 0x2000 0x1000
//! ```
//!
//! The threads of a phase run at the same time, and wait for each other at its end. Every part of a
//! program is a valid program: the plan leaves out operations that do not fit the state they find.

use std::fmt;
use std::str::FromStr;

pub const PAGE: u64 = 4096;
/// The largest size of a file.
pub const LIMIT: u64 = 4 << 20;
pub const FILES: u64 = 2;
pub const THREADS: usize = 3;
/// The number of mappings that each thread may have at a time.
pub const SLOTS: usize = 2;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Verb {
    Own,
    Write,
    Read,
    Map,
    Unmap,
    Remap,
    Protect,
    Load,
    Store,
    Cow,
    Fork,
    Msync,
    Advise,
    Send,
    Receive,
    Punch,
    Zero,
    Keep,
    Alloc,
    Unshare,
    Collapse,
    Insert,
    Truncate,
    Clone,
    Dedupe,
    Copy,
    Fsync,
    Rename,
    Unlink,
}

/// Each verb, its name, and the roles of its arguments: a file, an offset, a length, a seed, the
/// number of a mapping, the distance in pages from an address that suits 2 MiB entries. A capital
/// letter chooses a word of [`words`].
const VERBS: &[(Verb, &str, &str)] = &[
    (Verb::Own, "own", "f"),
    (Verb::Write, "write", "folsW"),
    (Verb::Read, "read", "folW"),
    (Verb::Map, "map", "mfolKx"),
    (Verb::Unmap, "unmap", "m"),
    (Verb::Remap, "remap", "mlx"),
    (Verb::Protect, "protect", "mP"),
    (Verb::Load, "load", "mol"),
    (Verb::Store, "store", "mols"),
    (Verb::Cow, "cow", "mols"),
    (Verb::Fork, "fork", "mols"),
    (Verb::Msync, "msync", "mol"),
    (Verb::Advise, "advise", "molA"),
    (Verb::Send, "send", "molfo"),
    (Verb::Receive, "receive", "molfo"),
    (Verb::Punch, "punch", "fol"),
    (Verb::Zero, "zero", "fol"),
    (Verb::Keep, "keep", "fol"),
    (Verb::Alloc, "alloc", "fol"),
    (Verb::Unshare, "unshare", "fol"),
    (Verb::Collapse, "collapse", "fol"),
    (Verb::Insert, "insert", "fol"),
    (Verb::Truncate, "truncate", "fo"),
    (Verb::Clone, "clone", "folfo"),
    (Verb::Dedupe, "dedupe", "folfo"),
    (Verb::Copy, "copy", "folfo"),
    (Verb::Fsync, "fsync", "f"),
    (Verb::Rename, "rename", "f"),
    (Verb::Unlink, "unlink", "f"),
];

pub const PLAIN: u64 = 0;
pub const DIRECT: u64 = 1;
pub const DSYNC: u64 = 2;
pub const NOWAIT: u64 = 3;
/// The transfer runs into a page without access in its middle.
pub const SHORT: u64 = 4;
pub const PRIVATE: u64 = 1;
pub const SYNC: u64 = 2;
pub const READONLY: u64 = 0;

/// Advice to madvise(2), in the order of its words.
pub const ADVICE: [i32; 8] = [4, 22, 23, 14, 15, 9, 20, 21];
pub const POPULATE_WRITE: u64 = 2;
pub const HUGEPAGE: u64 = 3;
pub const NOHUGEPAGE: u64 = 4;
pub const REMOVE: u64 = 5;

fn words(role: char) -> &'static [&'static str] {
    match role {
        'W' => &["plain", "direct", "dsync", "nowait", "short"],
        'K' => &["shared", "private", "sync"],
        'P' => &["ro", "rw"],
        'A' => &[
            "dontneed",
            "populate-read",
            "populate-write",
            "hugepage",
            "nohugepage",
            "remove",
            "cold",
            "pageout",
        ],
        _ => &[],
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Op {
    pub thread: usize,
    pub verb: Verb,
    /// The arguments of the verb; the rest is 0.
    pub args: [u64; 6],
}

impl Op {
    pub fn new(thread: usize, verb: Verb, args: &[u64]) -> Self {
        let mut all = [0; 6];
        all[..args.len()].copy_from_slice(args);
        Self {
            thread,
            verb,
            args: all,
        }
    }

    /// The roles of the arguments.
    pub fn roles(&self) -> &'static str {
        entry(self.verb).2
    }
}

fn entry(verb: Verb) -> &'static (Verb, &'static str, &'static str) {
    let found = VERBS.iter().find(|entry| entry.0 == verb);
    found.expect("the table has every verb")
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name, roles) = entry(self.verb);
        write!(f, "{} {name}", self.thread)?;
        for (role, arg) in roles.chars().zip(self.args) {
            match role {
                'o' | 'l' => write!(f, " {arg:#x}")?,
                'W' | 'K' | 'P' | 'A' => write!(f, " {}", words(role)[arg as usize])?,
                _ => write!(f, " {arg}")?,
            }
        }
        Ok(())
    }
}

fn number(text: &str) -> Result<u64, String> {
    let value = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    value.map_err(|_| format!("{text}: not a number"))
}

/// Parses an argument, which must be in the range of its role.
fn argument(role: char, text: &str) -> Result<u64, String> {
    let known = words(role);
    if !known.is_empty() {
        let at = known.iter().position(|word| *word == text);
        return at
            .map(|i| i as u64)
            .ok_or(format!("{text}: none of {known:?}"));
    }
    let value = number(text)?;
    let most = match role {
        'f' => FILES - 1,
        'm' => SLOTS as u64 - 1,
        'o' | 'l' => LIMIT,
        's' => u64::MAX,
        _ => 511,
    };
    if value > most {
        return Err(format!("{text}: more than {most}"));
    }
    Ok(value)
}

impl FromStr for Op {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut fields = line.split_whitespace();
        let mut next = || fields.next().ok_or(format!("{line}: something is missing"));
        let thread = number(next()?)? as usize;
        if thread >= THREADS {
            return Err(format!("{line}: there is no such thread"));
        }
        let name = next()?;
        let (verb, _, roles) = VERBS
            .iter()
            .find(|entry| entry.1 == name)
            .ok_or(format!("{name}: no such operation"))?;
        let args: Result<Vec<u64>, String> =
            roles.chars().map(|role| argument(role, next()?)).collect();
        let op = Self::new(thread, *verb, &args?);
        match fields.next() {
            None => Ok(op),
            Some(word) => Err(format!("{line}: unexpected word {word}")),
        }
    }
}

/// An event before or during the operations of a phase.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Event {
    None,
    /// Drop clean inodes and their entries.
    Drop,
    /// Unmount, check and mount the filesystem.
    Remount,
    /// The same, and unbind and bind the device in between.
    Rebind,
    /// Some bytes of a file get poison.
    Poison {
        file: u64,
        off: u64,
        len: u64,
    },
    /// The device is removed after `after` operations.
    Unbind {
        after: u64,
    },
}

impl Event {
    /// Whether operations may fail, so that their effect is uncertain.
    pub fn is_violent(&self) -> bool {
        matches!(self, Event::Poison { .. } | Event::Unbind { .. })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::None => write!(f, "phase"),
            Event::Drop => write!(f, "phase drop"),
            Event::Remount => write!(f, "phase remount"),
            Event::Rebind => write!(f, "phase rebind"),
            Event::Poison { file, off, len } => write!(f, "phase poison {file} {off:#x} {len:#x}"),
            Event::Unbind { after } => write!(f, "phase unbind {after}"),
        }
    }
}

impl FromStr for Event {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        Ok(match fields[..] {
            ["phase"] => Event::None,
            ["phase", "drop"] => Event::Drop,
            ["phase", "remount"] => Event::Remount,
            ["phase", "rebind"] => Event::Rebind,
            ["phase", "poison", file, off, len] => Event::Poison {
                file: argument('f', file)?,
                off: argument('o', off)?,
                len: argument('l', len)?,
            },
            ["phase", "unbind", after] => Event::Unbind {
                after: number(after)?,
            },
            _ => return Err(format!("{line}: no such phase")),
        })
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Phase {
    pub event: Event,
    pub ops: Vec<Op>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fs {
    Ext4,
    Xfs,
}

impl Fs {
    pub fn name(self) -> &'static str {
        match self {
            Fs::Ext4 => "ext4",
            Fs::Xfs => "xfs",
        }
    }
}

impl FromStr for Fs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ext4" => Ok(Fs::Ext4),
            "xfs" => Ok(Fs::Xfs),
            _ => Err(format!("{text}: ext4 or xfs")),
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    pub fs: Fs,
    pub phases: Vec<Phase>,
}

impl Program {
    pub fn len(&self) -> usize {
        self.phases.iter().map(|phase| phase.ops.len()).sum()
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "fs {}", self.fs.name())?;
        for phase in &self.phases {
            writeln!(f, "{}", phase.event)?;
            phase.ops.iter().try_for_each(|op| writeln!(f, "{op}"))?;
        }
        Ok(())
    }
}

impl FromStr for Program {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut program = Self {
            fs: Fs::Xfs,
            phases: Vec::new(),
        };
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or("").trim();
            if let Some(fs) = line.strip_prefix("fs ") {
                program.fs = fs.parse()?;
            } else if line.starts_with("phase") {
                program.phases.push(Phase {
                    event: line.parse()?,
                    ops: Vec::new(),
                });
            } else if !line.is_empty() {
                let phase = program.phases.last_mut();
                phase
                    .ok_or(format!("{line}: not in a phase"))?
                    .ops
                    .push(line.parse()?);
            }
        }
        Ok(program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_it_was_made_of() {
        let text = "fs ext4\nphase\n0 write 1 0x10 0x20 7 dsync\n2 map 1 0 0x0 0x1000 sync 1\n\
                    phase poison 1 0x1000 0x2000\n1 advise 0 0x0 0x1000 remove\nphase unbind 3\n";
        let program: Program = text.parse().unwrap();
        assert_eq!(program.to_string(), text);
        assert_eq!(program.len(), 3);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "0 read 0 0 1 plain",
            "phase\n9 fsync 0",
            "phase\n0 fsync 7",
            "phase\n0 fsync",
            "phase\n0 fsync 0 0",
            "phase\n0 jump 0",
            "phase\n0 read 0 0 1 loudly",
            "phase flood",
            "fs vfat",
        ] {
            assert!(text.parse::<Program>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_table_has_every_verb_once() {
        for (i, entry) in VERBS.iter().enumerate() {
            assert_eq!(entry.0 as usize, i, "{}", entry.1);
        }
    }
}

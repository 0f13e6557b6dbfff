// SPDX-License-Identifier: GPL-2.0

//! Steps on files.

use super::run::{Failure, Step};
use super::{whole, Content, Names, Words, CHUNK};
use crate::ffi::range::{cache_statistics, clone_range, dedupe_range, Dedupe};
use crate::ffi::verity::enable_verity;
use crate::ffi::{self, Area, Seg, O_DIRECT};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

type Outcome = Result<(), Failure>;

fn open(names: &mut Names, mut words: Words<'_>) -> Outcome {
    let name = words.word("a name")?;
    let path = names.path(words.word("a path")?);
    let new = words.flag("new");
    let write = !words.flag("ro");
    let flags = if words.flag("direct") { O_DIRECT } else { 0 };
    words.end()?;
    let file = File::options()
        .read(true)
        .write(write)
        .create(new)
        .truncate(new)
        .custom_flags(flags)
        .open(path)?;
    names.files.insert(name.into(), Arc::new(file));
    Ok(())
}

/// Writes a range in one call.
fn write(file: &File, (off, len): (u64, usize), content: Content, nowait: bool) -> Outcome {
    let mut area = Area::new(len)?;
    content.fill(0, &mut area.bytes_mut()[..len]);
    let seg = Seg { start: 0, len };
    let done = match nowait {
        true => area.write_nowait(file, seg, off),
        false => area.pwrite(file, seg, off),
    };
    whole(done, len)
}

fn check(file: &File, (off, len): (u64, usize), content: Content, nowait: bool) -> Outcome {
    let mut area = Area::new(CHUNK.min(len))?;
    for (at, len) in Content::pieces(len) {
        let seg = Seg { start: 0, len };
        let done = match nowait {
            true => area.read_nowait(file, seg, off + at as u64),
            false => area.pread(file, seg, off + at as u64),
        };
        whole(done, len)?;
        content.compare(at, &area.bytes()[..len])?;
    }
    Ok(())
}

fn mode(name: &str) -> Result<i32, Failure> {
    Ok(match name {
        "alloc" => 0,
        "keep" => 1,
        "punch" => 3,
        "collapse" => 8,
        "zero" => 16,
        "insert" => 32,
        "unshare" => 64,
        _ => return Err(Failure::Wrong(format!("{name}: no way to allocate"))),
    })
}

/// Two ranges of the same length in two files.
struct Ranges {
    from: Arc<File>,
    from_off: u64,
    len: u64,
    to: Arc<File>,
    to_off: u64,
}

impl Ranges {
    fn new(names: &Names, words: &mut Words<'_>) -> Result<Self, Failure> {
        let from = names.file(words)?;
        let (from_off, len) = words.range()?;
        let to = names.file(words)?;
        let to_off = words.size("an offset")?;
        Ok(Self {
            from,
            from_off,
            len: len as u64,
            to,
            to_off,
        })
    }

    fn clone(&self) -> Outcome {
        let done = clone_range(&self.from, self.from_off, self.len, &self.to, self.to_off);
        Ok(done?)
    }

    fn dedupe(&self, same: bool) -> Outcome {
        match dedupe_range(&self.from, self.from_off, self.len, &self.to, self.to_off)? {
            Dedupe::Failed(error) => Err(error.into()),
            Dedupe::Same(n) if same && n == self.len => Ok(()),
            Dedupe::Differs if !same => Ok(()),
            Dedupe::Same(n) => Err(Failure::Wrong(format!("the same, {n} bytes are shared"))),
            Dedupe::Differs => Err(Failure::Wrong("differs".into())),
        }
    }
}

fn size(file: &File, want: u64) -> Outcome {
    match file.metadata()?.len() {
        n if n == want => Ok(()),
        n => Err(Failure::Wrong(format!("{n} bytes"))),
    }
}

/// Counts the pages of a range that the kernel has cached or evicted: there are none, unless `any`.
fn cachestat(file: &File, (off, len): (u64, usize), any: bool) -> Outcome {
    match cache_statistics(file, off, len as u64)? {
        [0, 0, 0, 0, 0] => Ok(()),
        _ if any => Ok(()),
        [cached, dirty, writeback, evicted, recently] => Err(Failure::Wrong(format!(
            "{cached} cached, {dirty} dirty, {writeback} under writeback, {evicted} evicted, \
             {recently} recently"
        ))),
    }
}

pub fn step(names: &mut Names, verb: &str, mut words: Words<'_>) -> Result<Option<Step>, Failure> {
    let step: Step = match verb {
        "open" => {
            open(names, words)?;
            return Ok(Some(Box::new(|| Ok(()))));
        }
        "close" => {
            let name = words.word("a file")?;
            names.files.remove(name).ok_or(format!("no file {name}"))?;
            Box::new(|| Ok(()))
        }
        "unlink" => {
            let path = names.path(words.word("a path")?);
            Box::new(move || Ok(std::fs::remove_file(path)?))
        }
        "write" | "check" => {
            let (file, range) = (names.file(&mut words)?, words.range()?);
            let content = words.content(range.0)?;
            let nowait = words.flag("nowait");
            match verb {
                "write" => Box::new(move || write(&file, range, content, nowait)),
                _ => Box::new(move || check(&file, range, content, nowait)),
            }
        }
        "falloc" => {
            let file = names.file(&mut words)?;
            let mode = mode(words.word("a mode")?)?;
            let (off, len) = words.range()?;
            Box::new(move || Ok(ffi::file_allocate(&file, mode, off, len as u64)?))
        }
        "truncate" => {
            let (file, len) = (names.file(&mut words)?, words.size("a size")?);
            Box::new(move || Ok(file.set_len(len)?))
        }
        "size" => {
            let (file, len) = (names.file(&mut words)?, words.size("a size")?);
            Box::new(move || size(&file, len))
        }
        "sync" => {
            let file = names.file(&mut words)?;
            Box::new(move || Ok(file.sync_all()?))
        }
        "verity" => {
            let file = names.file(&mut words)?;
            Box::new(move || Ok(enable_verity(&file)?))
        }
        "cachestat" => {
            let (file, range) = (names.file(&mut words)?, words.range()?);
            let any = words.flag("any");
            Box::new(move || cachestat(&file, range, any))
        }
        "clone" => {
            let ranges = Ranges::new(names, &mut words)?;
            Box::new(move || ranges.clone())
        }
        "dedupe" => {
            let ranges = Ranges::new(names, &mut words)?;
            let same = match words.word("same or differs")? {
                "same" => true,
                "differs" => false,
                word => return Err(Failure::Wrong(format!("{word}: same or differs"))),
            };
            Box::new(move || ranges.dedupe(same))
        }
        _ => return Ok(None),
    };
    words.end()?;
    Ok(Some(step))
}

// SPDX-License-Identifier: GPL-2.0

//! Steps in which the kernel references the pages of a mapping.

use super::run::{Failure, Step};
use super::{whole, Content, Names, Words, CHUNK};
use crate::ffi::transfer::pipe;
use crate::ffi::uring::{Ring, Transfer};
use crate::ffi::view::View;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

type Outcome = Result<(), Failure>;

fn drain(mut pipe: &File, len: usize, content: Content) -> Outcome {
    let mut buf = vec![0; CHUNK.min(len)];
    for (at, len) in Content::pieces(len) {
        pipe.read_exact(&mut buf[..len])?;
        content.compare(at, &buf[..len])?;
    }
    Ok(())
}

fn copy_out(view: &View, (off, len): (usize, usize), content: Content) -> Outcome {
    let mut buf = vec![0; len];
    whole(view.copy_out(off, &mut buf), len)?;
    Ok(content.compare(0, &buf)?)
}

fn copy_in(view: &View, (off, len): (usize, usize), content: Content) -> Outcome {
    let mut buf = vec![0; len];
    content.fill(0, &mut buf);
    whole(view.copy_in(off, &buf), len)
}

/// The two sides of a transfer: a range of a file, and one of a mapping.
struct Sides {
    file: Arc<File>,
    off: u64,
    len: usize,
    view: Arc<View>,
    start: usize,
}

impl Sides {
    fn new(names: &Names, words: &mut Words<'_>) -> Result<Self, Failure> {
        let file = names.file(words)?;
        let (off, len) = words.range()?;
        let view = names.map(words)?;
        let start = words.size("an offset")? as usize;
        Ok(Self {
            file,
            off,
            len,
            view,
            start,
        })
    }

    fn ring(&self, way: Transfer) -> Outcome {
        let done =
            Ring::new()?.transfer(way, &self.view, self.start, self.len, &self.file, self.off);
        whole(done, self.len)
    }
}

fn splice(names: &mut Names, words: &mut Words<'_>) -> Result<Step, Failure> {
    let name = words.word("a pipe")?;
    let view = names.map(words)?;
    let (off, len) = words.range()?;
    let ends = Arc::new(pipe(len)?);
    names.pipes.insert(name.into(), ends.clone());
    Ok(Box::new(move || {
        whole(view.splice(off as usize, len, &ends.1), len)
    }))
}

pub fn step(names: &mut Names, verb: &str, mut words: Words<'_>) -> Result<Option<Step>, Failure> {
    let step: Step = match verb {
        "splice" => splice(names, &mut words)?,
        "drain" | "drop" => {
            let name = words.word("a pipe")?;
            let ends = names.pipes.remove(name).ok_or(format!("no pipe {name}"))?;
            match verb {
                "drain" => {
                    let (off, len) = words.range()?;
                    let content = words.content(off)?;
                    Box::new(move || drain(&ends.0, len, content))
                }
                _ => Box::new(|| Ok(())),
            }
        }
        "send" => {
            let s = Sides::new(names, &mut words)?;
            let len = if words.flag("short") {
                words.size("a length")? as usize
            } else {
                s.len
            };
            Box::new(move || whole(s.view.send(s.start, s.len, &s.file, s.off), len))
        }
        "receive" => {
            let s = Sides::new(names, &mut words)?;
            Box::new(move || whole(s.view.receive(s.start, s.len, &s.file, s.off), s.len))
        }
        "ring" => {
            let way = match words.word("read or write")? {
                "read" => Transfer::Read,
                "write" => Transfer::Write,
                word => return Err(Failure::Wrong(format!("{word}: read or write"))),
            };
            let sides = Sides::new(names, &mut words)?;
            Box::new(move || sides.ring(way))
        }
        "fixed" => {
            let view = names.map(&mut words)?;
            let (off, len) = words.range()?;
            Box::new(move || Ok(Ring::new()?.register(&view, off as usize, len)?))
        }
        "copyout" | "copyin" => {
            let view = names.map(&mut words)?;
            let (off, len) = words.range()?;
            let content = words.content(view.origin + off)?;
            let range = (off as usize, len);
            match verb {
                "copyout" => Box::new(move || copy_out(&view, range, content)),
                _ => Box::new(move || copy_in(&view, range, content)),
            }
        }
        _ => return Ok(None),
    };
    words.end()?;
    Ok(Some(step))
}

// SPDX-License-Identifier: GPL-2.0

//! Steps on mappings, and checks of their page tables.

use super::run::{Failure, Step};
use super::{Content, Names, Words, CHUNK};
use crate::ffi::view::{Region, Sharing, View, PROT_READ, PROT_WRITE};
use crate::ffi::PAGE;
use std::sync::Arc;

type Outcome = Result<(), Failure>;

fn map(names: &mut Names, mut words: Words<'_>) -> Outcome {
    let name = words.word("a name")?;
    let file = names.file(&mut words)?;
    let (off, len) = words.range()?;
    let sharing = match (words.flag("private"), words.flag("sync")) {
        (true, _) => Sharing::Private,
        (_, true) => Sharing::Synchronous,
        _ => Sharing::Shared,
    };
    let prot = match words.flag("ro") {
        true => PROT_READ,
        false => PROT_READ | PROT_WRITE,
    };
    let shift = shift(&mut words)?;
    words.end()?;
    let view = View::new(&file, off, len, sharing, prot, shift)?;
    names.maps.insert(name.into(), Arc::new(view));
    Ok(())
}

fn shift(words: &mut Words<'_>) -> Result<usize, Failure> {
    Ok(match words.flag("shift") {
        true => words.size("a shift")? as usize,
        false => 0,
    })
}

/// Removes a mapping that no thread uses from the names.
fn take(names: &mut Names, words: &mut Words<'_>) -> Result<(String, View), Failure> {
    let name = words.word("a mapping")?;
    let view = names
        .maps
        .remove(name)
        .ok_or(format!("no mapping {name}"))?;
    let view = Arc::try_unwrap(view).map_err(|_| format!("{name} is in use"))?;
    Ok((name.into(), view))
}

fn relocate(names: &mut Names, mut words: Words<'_>) -> Outcome {
    let (name, mut view) = take(names, &mut words)?;
    let len = words.size("a length")? as usize;
    view.relocate(len, shift(&mut words)?)?;
    words.end()?;
    names.maps.insert(name, Arc::new(view));
    Ok(())
}

fn store(view: &View, (off, len): (usize, usize), content: Content) -> Outcome {
    let mut buf = vec![0; CHUNK.min(len)];
    for (at, len) in Content::pieces(len) {
        content.fill(at, &mut buf[..len]);
        view.store(off + at, &buf[..len]);
    }
    Ok(())
}

fn load(view: &View, (off, len): (usize, usize), content: Content) -> Outcome {
    let mut buf = vec![0; CHUNK.min(len)];
    for (at, len) in Content::pieces(len) {
        view.load(off + at, &mut buf[..len]);
        content.compare(at, &buf[..len])?;
    }
    Ok(())
}

pub fn advice(name: &str) -> Result<i32, Failure> {
    Ok(match name {
        "normal" => 0,
        "random" => 1,
        "willneed" => 3,
        "dontneed" => 4,
        "free" => 8,
        "remove" => 9,
        "dontfork" => 10,
        "dofork" => 11,
        "mergeable" => 12,
        "unmergeable" => 13,
        "hugepage" => 14,
        "nohugepage" => 15,
        "dontdump" => 16,
        "dodump" => 17,
        "wipeonfork" => 18,
        "cold" => 20,
        "pageout" => 21,
        "populate-read" => 22,
        "populate-write" => 23,
        "collapse" => 25,
        "poison" => 100,
        "guard" => 102,
        "unguard" => 103,
        _ => return Err(Failure::Wrong(format!("{name}: no advice"))),
    })
}

fn protection(name: &str) -> Result<i32, Failure> {
    Ok(match name {
        "none" => 0,
        "r" => PROT_READ,
        "rw" => PROT_READ | PROT_WRITE,
        _ => return Err(Failure::Wrong(format!("{name}: none, r or rw"))),
    })
}

/// The kind of a region: the zero page or the huge zero page of a hole, storage, or a private copy.
fn kind(region: &Region) -> &'static str {
    const FILE: u64 = 1 << 2;
    const ZERO: u64 = 1 << 5;
    const HUGE: u64 = 1 << 6;
    let (zero, huge) = (region.categories & ZERO != 0, region.categories & HUGE != 0);
    match (region.categories & FILE != 0, zero, huge) {
        (_, true, false) => "zero",
        (_, true, true) => "hugezero",
        (true, false, false) => "page",
        (true, false, true) => "huge",
        (false, false, false) => "anon",
        (false, false, true) => "hugeanon",
    }
}

/// Checks that `regions` and the gaps between them are `want`, as KIND:PAGES.
pub fn compare(
    regions: &[Region],
    (off, len): (usize, usize),
    (kind, gap): (impl Fn(&Region) -> &'static str, &'static str),
    want: &str,
) -> Outcome {
    let mut runs: Vec<(&str, usize)> = Vec::new();
    let mut add = |kind, len: usize| match runs.last_mut() {
        _ if len == 0 => (),
        Some(last) if last.0 == kind => last.1 += len / PAGE,
        _ => runs.push((kind, len / PAGE)),
    };
    let mut at = off;
    for region in regions {
        add(gap, region.start - at);
        add(kind(region), region.len);
        at = region.start + region.len;
    }
    add(gap, off + len - at);
    let words: Vec<String> = runs.iter().map(|(kind, n)| format!("{kind}:{n}")).collect();
    match words.join(" ") {
        got if got == want => Ok(()),
        got => Err(Failure::Wrong(format!("the page tables have {got}"))),
    }
}

fn pages(view: &View, (off, len): (usize, usize), want: &str) -> Outcome {
    compare(&view.regions(off, len)?, (off, len), (kind, "none"), want)
}

pub fn step(names: &mut Names, verb: &str, mut words: Words<'_>) -> Result<Option<Step>, Failure> {
    match verb {
        "map" => map(names, words)?,
        "unmap" => drop(take(names, &mut words)?),
        "move" => relocate(names, words)?,
        "store" | "load" | "dirty" | "touch" | "msync" | "advise" | "protect" | "pages" => {
            return access(names, verb, words).map(Some);
        }
        _ => return Ok(None),
    }
    Ok(Some(Box::new(|| Ok(()))))
}

/// Steps on a range of one mapping.
fn access(names: &Names, verb: &str, mut words: Words<'_>) -> Result<Step, Failure> {
    let view = names.map(&mut words)?;
    let (off, len) = words.range()?;
    let range = (off as usize, len);
    let each_page = move || (range.0..range.0 + len).step_by(PAGE);
    let step: Step = match verb {
        "store" | "load" => {
            let content = words.content(view.origin + off)?;
            match verb {
                "store" => Box::new(move || store(&view, range, content)),
                _ => Box::new(move || load(&view, range, content)),
            }
        }
        "dirty" => Box::new(move || {
            each_page().for_each(|at| view.poke(at, 0x5a));
            Ok(())
        }),
        "touch" => Box::new(move || {
            each_page().for_each(|at| {
                view.peek(at);
            });
            Ok(())
        }),
        "msync" => Box::new(move || Ok(view.sync(range.0, len)?)),
        "advise" => {
            let advice = advice(words.word("an advice")?)?;
            Box::new(move || Ok(view.advise(range.0, len, advice)?))
        }
        "protect" => {
            let prot = protection(words.word("a protection")?)?;
            Box::new(move || Ok(view.protect(range.0, len, prot)?))
        }
        _ => {
            let want = words.rest().join(" ");
            return Ok(Box::new(move || pages(&view, range, &want)));
        }
    };
    words.end()?;
    Ok(step)
}

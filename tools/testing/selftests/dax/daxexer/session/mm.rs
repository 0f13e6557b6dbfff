// SPDX-License-Identifier: GPL-2.0

//! Steps that ask memory management about a mapping, or have it do something with one.

use super::run::{Failure, Step};
use super::{maps, whole, Content, Names, Words};
use crate::ffi::mm::{allow_core, PagemapEntry};
use crate::ffi::process::{Child, End};
use crate::ffi::trace;
use crate::ffi::view::View;
use crate::ffi::PAGE;
use crate::probe::errno_name;
use std::fmt::Display;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

type Outcome = Result<(), Failure>;

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
/// How often, and how long apart, a step wakes tasks that do not wait yet.
const TRIES: usize = 500;
const PAUSE: Duration = Duration::from_millis(20);
/// Where the script has the kernel put core dumps.
const CORE: &str = "/tmp/core";

/// Fails unless the kernel says what the test wants.
fn expect<T: PartialEq + Display>(said: T, want: T) -> Outcome {
    match said == want {
        true => Ok(()),
        false => Err(Failure::Wrong(format!("{said} instead of {want}"))),
    }
}

/// The value in KiB of a field of smaps or smaps_rollup.
fn field(lines: &[String], name: &str) -> Result<u64, Failure> {
    let value = |line: &String| {
        let rest = line.strip_prefix(name)?.strip_prefix(':')?;
        rest.split_whitespace().next()?.parse().ok()
    };
    let found = lines.iter().find_map(value);
    found.ok_or(Failure::Wrong(format!("there is no field {name}")))
}

fn rollup(name: &str, least: u64) -> Outcome {
    let text = fs::read_to_string("/proc/self/smaps_rollup")?;
    let lines: Vec<String> = text.lines().map(String::from).collect();
    match field(&lines, name)? {
        kib if kib >= least => Ok(()),
        kib => Err(Failure::Wrong(format!("only {kib} KiB"))),
    }
}

/// Whether the area has the flag of two letters in VmFlags of smaps.
fn has_flag(view: &View, flag: &str) -> Result<bool, Failure> {
    let lines = view.told_in("smaps")?;
    let flags = lines.iter().find_map(|line| line.strip_prefix("VmFlags:"));
    let flags = flags.ok_or(Failure::Wrong("smaps has no VmFlags".into()))?;
    Ok(flags.split_whitespace().any(|word| word == flag))
}

/// The number of pages on all nodes in numa_maps.
fn numa_pages(view: &View) -> Result<u64, Failure> {
    let lines = view.told_in("numa_maps")?;
    let words = lines.iter().flat_map(|line| line.split_whitespace());
    let pages = words.filter_map(|word| {
        let (node, pages) = word.strip_prefix('N')?.split_once('=')?;
        node.parse::<u32>().ok()?;
        pages.parse::<u64>().ok()
    });
    Ok(pages.sum())
}

fn describe(entry: PagemapEntry) -> String {
    let parts = [
        (entry.present(), "present"),
        (entry.swapped(), "swapped"),
        (entry.of_file(), "file"),
        (entry.exclusive(), "exclusive"),
    ];
    let words = parts.iter().filter(|(is, _)| *is).map(|(_, word)| *word);
    words.collect::<Vec<_>>().join(" ")
}

/// Asks for one page to be moved to a node, and compares the answer for it: a node or an error.
fn migrate(view: &View, off: usize, node: i32, want: &str) -> Outcome {
    let said = match view.migrate(off, node)? {
        Ok(node) => node.to_string(),
        Err(error) => errno_name(&error),
    };
    expect(said.as_str(), want)
}

fn inspect(view: &View, (off, len): (usize, usize), content: Content) -> Outcome {
    let mut buf = vec![0; len];
    whole(view.inspect(off, &mut buf), len)?;
    Ok(content.compare(0, &buf)?)
}

fn patch(view: &View, (off, len): (usize, usize), content: Content) -> Outcome {
    let mut buf = vec![0; len];
    content.fill(0, &mut buf);
    whole(view.patch(off, &buf), len)
}

/// Stores a word of the content to the mapping of a child that this process traces. The child has to
/// find it there.
fn debug(view: &Arc<View>, off: usize, content: Content) -> Outcome {
    let mut word = [0; 8];
    content.fill(0, &mut word);
    let child = Child::new(|| {
        let mut found = [0; 8];
        let stopped = trace::stop_for_parent();
        view.load(off, &mut found);
        i32::from(stopped.is_err() || found != word)
    })?;
    let word = u64::from_le_bytes(word);
    let read = trace::poke(&child, view, off, word);
    if read.is_err() {
        // it may still be stopped
        child.kill(SIGKILL)?;
    }
    let end = child.wait()?;
    expect(format!("{:#x}", read?), format!("{word:#x}"))?;
    match end {
        End::Exit(0) => Ok(()),
        end => Err(Failure::Wrong(format!(
            "the child found something else: {end:?}"
        ))),
    }
}

/// Has a child dump core with this filter, and looks for the content in the dump.
fn core(view: &View, off: usize, content: Content, filter: u64, want: &str) -> Outcome {
    let mut buf = vec![0; PAGE];
    content.fill(0, &mut buf);
    let child = Child::new(|| match allow_core(filter) {
        Ok(()) => {
            view.peek(off);
            std::process::abort()
        }
        Err(error) => {
            eprintln!("in the child: {error}");
            1
        }
    })?;
    match child.wait()? {
        End::Signal(SIGABRT) => (),
        end => return Err(Failure::Wrong(format!("{end:?} instead of SIGABRT"))),
    }
    let dump = fs::read(CORE)?;
    fs::remove_file(CORE)?;
    // the dump has whole pages
    let has = dump.chunks(PAGE).any(|page| page == buf);
    expect(if has { "in" } else { "out" }, want)
}

/// Wakes the tasks that wait for a word. They may still be on their way there.
fn wake(view: &View, off: usize, want: usize) -> Outcome {
    let mut woken = view.wake(off)?;
    for _ in 0..TRIES {
        if woken >= want {
            break;
        }
        std::thread::sleep(PAUSE);
        woken += view.wake(off)?;
    }
    expect(woken, want)
}

fn query(view: &View, len: u64) -> Outcome {
    let start = view.at(0, 1) as u64;
    let [from, until, offset] = view.query()?;
    let want = format!("{start:#x} {:#x} {:#x}", start + len, view.origin);
    expect(format!("{from:#x} {until:#x} {offset:#x}"), want)
}

/// Steps on a range.
fn on_range(
    view: Arc<View>,
    (off, len): (usize, usize),
    verb: &str,
    words: &mut Words<'_>,
) -> Result<Step, Failure> {
    Ok(match verb {
        "mlock" => Box::new(move || Ok(view.lock(off, len)?)),
        "munlock" => Box::new(move || Ok(view.unlock(off, len)?)),
        "bind" => {
            let node = words.size("a node")? as u32;
            Box::new(move || Ok(view.bind(off, len, node)?))
        }
        "resident" => {
            let want = words.size("a number")? as usize;
            Box::new(move || expect(view.resident(off, len)?, want))
        }
        "remap" => {
            let page = words.size("an offset")? as usize / PAGE;
            Box::new(move || Ok(view.remap(off, len, page)?))
        }
        "remote" => {
            let advice = maps::advice(words.word("an advice")?)?;
            Box::new(move || whole(view.advise_parent(off, len, advice), len))
        }
        _ => {
            let content = words.content(view.origin + off as u64)?;
            match verb {
                "inspect" => Box::new(move || inspect(&view, (off, len), content)),
                _ => Box::new(move || patch(&view, (off, len), content)),
            }
        }
    })
}

/// Steps on a page or a word.
fn at_place(
    view: Arc<View>,
    off: usize,
    verb: &str,
    words: &mut Words<'_>,
) -> Result<Step, Failure> {
    Ok(match verb {
        "wait" => Box::new(move || Ok(view.wait(off)?)),
        "wake" => {
            let want = words.size("a number")? as usize;
            Box::new(move || wake(&view, off, want))
        }
        "migrate" => {
            let node = words.size("a node")? as i32;
            let want = words.word("a node or an error")?.to_string();
            Box::new(move || migrate(&view, off, node, &want))
        }
        "debug" => {
            let content = words.content(view.origin + off as u64)?;
            Box::new(move || debug(&view, off, content))
        }
        _ => {
            let content = words.content(view.origin + off as u64)?;
            let filter = words.size("a filter")?;
            let want = words.word("in or out")?.to_string();
            Box::new(move || core(&view, off, content, filter, &want))
        }
    })
}

pub fn step(names: &mut Names, verb: &str, mut words: Words<'_>) -> Result<Option<Step>, Failure> {
    let step: Step = match verb {
        "mlock" | "munlock" | "bind" | "resident" | "remap" | "remote" | "inspect" | "patch" => {
            let view = names.map(&mut words)?;
            let (off, len) = words.range()?;
            on_range(view, (off as usize, len), verb, &mut words)?
        }
        "wait" | "wake" | "migrate" | "debug" | "core" => {
            let view = names.map(&mut words)?;
            let off = words.size("an offset")? as usize;
            at_place(view, off, verb, &mut words)?
        }
        "pagemap" => {
            let view = names.map(&mut words)?;
            let off = words.size("an offset")? as usize;
            let want = words.rest().join(" ");
            return Ok(Some(Box::new(move || {
                expect(describe(view.pagemap(off)?), want)
            })));
        }
        "smaps" => {
            let view = names.map(&mut words)?;
            let name = words.word("a field")?.to_string();
            let kib = words.size("a number")?;
            Box::new(move || expect(field(&view.told_in("smaps")?, &name)?, kib))
        }
        "rollup" => {
            let name = words.word("a field")?.to_string();
            let kib = words.size("a number")?;
            Box::new(move || rollup(&name, kib))
        }
        "flag" | "noflag" => {
            let view = names.map(&mut words)?;
            let name = words.word("a flag")?.to_string();
            let want = verb == "flag";
            Box::new(move || expect(has_flag(&view, &name)?, want))
        }
        "numa" => {
            let (view, want) = (names.map(&mut words)?, words.size("a number")?);
            Box::new(move || expect(numa_pages(&view)?, want))
        }
        "query" => {
            let (view, len) = (names.map(&mut words)?, words.size("a length")?);
            Box::new(move || query(&view, len))
        }
        _ => return Ok(None),
    };
    words.end()?;
    Ok(Some(step))
}

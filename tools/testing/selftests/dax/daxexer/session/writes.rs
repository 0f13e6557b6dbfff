// SPDX-License-Identifier: GPL-2.0

//! Steps that ask which pages of a mapping have been written.

use super::maps::compare;
use super::run::{Failure, Step};
use super::{Names, Words};
use crate::ffi::writes::Watch;
use std::sync::Arc;

/// What watches mappings in this session.
fn watcher(names: &mut Names) -> Result<Arc<Watch>, Failure> {
    let watch = match names.watch.take() {
        Some(watch) => watch,
        None => Arc::new(Watch::new()?),
    };
    names.watch = Some(watch.clone());
    Ok(watch)
}

pub fn step(names: &mut Names, verb: &str, mut words: Words<'_>) -> Result<Option<Step>, Failure> {
    if !matches!(verb, "watch" | "arm" | "written") {
        return Ok(None);
    }
    let view = names.map(&mut words)?;
    let (off, len) = words.range()?;
    let off = off as usize;
    let step: Step = match verb {
        "watch" => {
            let watch = watcher(names)?;
            Box::new(move || Ok(watch.watch(&view, off, len)?))
        }
        "arm" => {
            let watch = watcher(names)?;
            Box::new(move || Ok(watch.protect(&view, off, len)?))
        }
        _ => {
            let want = words.clone().rest().join(" ");
            return Ok(Some(Box::new(move || {
                let regions = view.written(off, len)?;
                compare(&regions, (off, len), (|_| "written", "clean"), &want)
            })));
        }
    };
    words.end()?;
    Ok(Some(step))
}

// SPDX-License-Identifier: GPL-2.0

//! A page for a browser that shows how the lines of persistent memory went from dirty to durable.
//!
//! [`timeline`] reads what the plugin wrote down (`../../src/timeline.rs`), [`plot`] says which state is
//! seen in which place, [`drawing`] makes an SVG of it, [`page`] puts these into HTML that needs
//! nothing else. [`symbols`] has names for addresses of code.

mod drawing;
mod page;
mod plot;
mod symbols;
mod timeline;

use std::fs::read_to_string;
use std::process::ExitCode;

use symbols::Symbols;

const USAGE: &str = "usage: persist-picture TITLE TIMELINE [SYSTEM.MAP] >PAGE.html";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let page = match words.as_slice() {
        [title, timeline] => page(title, timeline, None),
        [title, timeline, map] => page(title, timeline, Some(map)),
        _ => Err(USAGE.into()),
    };
    match page {
        Ok(page) => {
            println!("{page}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn page(title: &str, timeline: &str, map: Option<&str>) -> Result<String, String> {
    let read = |path: &str| read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let symbols = Symbols::new(&map.map(read).transpose()?.unwrap_or_default());
    let scenarios =
        timeline::parse(&read(timeline)?).map_err(|why| format!("{timeline}: {why}"))?;
    if scenarios.is_empty() {
        return Err(format!("{timeline}: nothing was written down"));
    }
    Ok(page::page(title, &scenarios, &symbols))
}

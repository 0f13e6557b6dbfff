// SPDX-License-Identifier: GPL-2.0

//! Makes an HTML page that shows how the lines of persistent memory went from dirty to durable.
//!
//! [`timeline`] reads the plugin's file (`../../src/timeline.rs`), [`plot`] computes which state
//! each place of the picture shows, [`drawing`] makes an SVG of it, and [`page`] puts the SVGs into
//! a single, self-contained HTML file. [`symbols`] has names for addresses of code.

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
        return Err(format!("{timeline}: it has no scenario"));
    }
    Ok(page::page(title, &scenarios, &symbols))
}

// SPDX-License-Identifier: GPL-2.0

//! daxexer: does real I/O on a DAX file, directory or block device and checks every byte.
//!
//! Written data derives from a seed; a model in memory has the expected content. Exit status: 0
//! success, 1 failure (with a line that describes it), 2 wrong usage.

mod align;
mod churn;
mod data;
mod fault;
mod ffi;
mod follow;
mod fresh;
mod hammer;
mod infoblock;
mod manifest;
mod model;
mod poisoned;
mod probe;
mod race;
mod raw;
mod session;
mod starve;
mod stress;

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::process::ExitCode;

/// The error is one line of text.
pub type Result<T = ()> = std::result::Result<T, String>;

const USAGE: &str = "usage: daxexer COMMAND ARGS [--key value...]
  io DIR         random reads, writes, mmap, fallocate and truncate against a model
                 [--seed N] [--files N] [--ops N] [--size BYTES]
                 [--reflink 1: clone, dedupe and unshare too]
  align DIR      sizes 0-300, every alignment mod 64 of buffer and offset
                 [--kind write|read] [--step N: of the buffer's alignment]
  fault DIR      user buffers that run into a page without access
  raw DEV        block I/O with odd segments [--off BYTES] [--len BYTES] [--ops N] [--seed N]
  fill|check PATH  a pattern [--off BYTES] [--len BYTES] [--seed N]
                 [--how pwrite|direct|dsync|mmap|mapsync] [--chunk BYTES]
  border PATH    begins with the pattern of --seed, goes on with that of --old [--len BYTES]
  stress FILE DEVICE  threads that fault, write, sync, punch, truncate and hold pages; direct I/O
                 goes to DEVICE [--threads N] [--ops N] [--seed N] [--patience SECS] [--reflink 1]
  churn FILE     threads that access mappings of 2 MiB while others drop its page tables and fork
                 [--ops N: accesses of each thread] [--seed N]
  follow FILE    a copy of a mapping follows stores of threads by PAGEMAP_SCAN
                 [--rounds N] [--seed N] [--kind shared|private] [--shift BYTES]
  tree DIR       make a tree of files [--seed N] [--files N]
  manifest DIR   list every file with size and checksum [--as PREFIX]
  verify FILE    check every file of a manifest [--only PREFIX: and that no other file is there]
  isdax PATH     succeeds if accesses bypass the page cache (statx)
  read|write PATH  one pread or pwrite; prints the count or the error's name
                 [--off BYTES] [--len BYTES] [--direct 1] [--sync 1]
  peek|poke PATH one load or store through a mapping [--off BYTES] [--sync 1]
  poisoned FILE BADBLOCKS SECTOR  page --page of FILE gets poison and is repaired under threads, which
                 expect that pattern [--rounds N] [--ops N] [--patience SECS]
  hwpoison PATH  declares the page at --off BYTES broken and loads from it again
  hammer KIND PATH  read, write, map, direct, falloc, sync or mapsync until an error ends it; the
                 last two say how many pages are durable [--len BYTES] [--secs N]
                 [--strict 1: never accept EFAULT for the removal of the device]
  forge DEV      changes a field of an info block [--off BYTES] [--field N] [--bytes HEX]
                 [--sum right|keep]
  session DIR    runs the steps in standard input (session.rs lists them)
  race DIR       truncate, punch and write while mappings are read and written [--secs N] [--seed N]
                 [--kinds cut,call,map,forget: which threads there are] [--blocks written: none are
                 allocated without being written]
  fresh DIR      threads that meet at blocks which were never written [--rounds N] [--len BYTES] [--seed N]
                 [--kinds store,write,read,zero,punch: up to 4 threads] [--blocks unwritten|holes]
                 [--shift 4K: no pages of 2 MiB]
  failnth N CMD...  runs CMD while its Nth allocation fails; prints whether it has so many
  notify ATTR SECS CMD...  runs CMD; succeeds if sysfs then reports a change of ATTR";

/// The command line after the command: positional arguments and `--key value` pairs.
pub struct Args {
    words: Vec<String>,
    keys: HashMap<String, String>,
}

impl Args {
    fn parse(args: &[String]) -> Result<Self> {
        let mut parsed = Self {
            words: Vec::new(),
            keys: HashMap::new(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if let Some(key) = arg.strip_prefix("--") {
                let value = args.next().ok_or(format!("--{key} needs a value"))?;
                parsed.keys.insert(key.into(), value.clone());
            } else {
                parsed.words.push(arg.clone());
            }
        }
        Ok(parsed)
    }

    pub fn word(&self, index: usize) -> Result<&str> {
        let word = self
            .words
            .get(index)
            .ok_or(format!("argument {} is missing", index + 1))?;
        Ok(word)
    }

    pub fn words_from(&self, index: usize) -> &[String] {
        self.words.get(index..).unwrap_or(&[])
    }

    pub fn text<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        self.keys.get(key).map_or(default, String::as_str)
    }

    /// Returns the value of a key: decimal or with 0x, with an optional K, M or G.
    pub fn number(&self, key: &str, default: u64) -> Result<u64> {
        let Some(text) = self.keys.get(key) else {
            return Ok(default);
        };
        parse_size(text).of(format!("--{key}"))
    }
}

/// Parses a number, decimal or with 0x, with an optional K, M or G.
pub fn parse_size(text: &str) -> Result<u64> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    value
        .map(|v| v << shift)
        .map_err(|_| format!("{text}: not a number"))
}

/// Turns the error of `what` into one line.
pub trait Context<T> {
    fn of(self, what: impl Display) -> Result<T>;
}

impl<T, E: Display> Context<T> for std::result::Result<T, E> {
    fn of(self, what: impl Display) -> Result<T> {
        self.map_err(|e| format!("{what}: {e}"))
    }
}

/// Opens `path` for reading and writing, with these open(2) flags; creates it if `create`.
pub fn open(path: &str, create: bool, flags: i32) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .custom_flags(flags)
        .open(path)
        .of(path)
}

fn run(command: &str, args: &Args) -> Result {
    match command {
        "io" => model::run(args),
        "align" => align::run(args),
        "fault" => fault::run(args),
        "stress" => stress::run(args),
        "raw" => raw::run(args),
        "churn" => churn::run(args),
        "follow" => follow::run(args),
        "race" => race::run(args),
        "fresh" => fresh::run(args),
        "session" => session::run(args),
        "fill" => raw::fill(args),
        "check" => raw::check(args),
        "border" => raw::border(args),
        "tree" => manifest::tree(args),
        "manifest" => manifest::list(args),
        "verify" => manifest::verify(args),
        "isdax" => probe::isdax(args),
        "read" => probe::read(args),
        "write" => probe::write(args),
        "peek" => probe::peek(args),
        "hwpoison" => probe::hwpoison(args),
        "poke" => probe::poke(args),
        "notify" => probe::notify(args),
        "poisoned" => poisoned::run(args),
        "failnth" => starve::run(args),
        "hammer" => hammer::run(args),
        "forge" => infoblock::forge(args),
        _ => Err(format!("{command}: no such command")),
    }
}

fn main() -> ExitCode {
    ffi::die_of_sigbus();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(command) = args.first().filter(|c| USAGE.contains(c.as_str())) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    // The rest of the line is a command with options of its own.
    let parsed = if matches!(command.as_str(), "notify" | "failnth") {
        Ok(Args {
            words: args[1..].to_vec(),
            keys: HashMap::new(),
        })
    } else {
        Args::parse(&args[1..])
    };
    match parsed.and_then(|parsed| run(command, &parsed)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("daxexer {command}: {error}");
            ExitCode::FAILURE
        }
    }
}

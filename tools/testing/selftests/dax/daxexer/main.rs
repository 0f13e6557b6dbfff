// SPDX-License-Identifier: GPL-2.0

//! daxexer: does real I/O on a DAX file, directory or block device and checks every byte.
//!
//! Written data derives from a seed; a model in memory has the expected content. Exit status: 0
//! success, 1 failure (with a line that describes it), 2 wrong usage.

use daxexer::*;
use std::process::ExitCode;

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
  kexec KERNEL INITRD CMDLINE  starts another kernel in the place of this one
  failnth N CMD...  runs CMD while its Nth allocation fails; prints whether it has so many
  notify ATTR SECS CMD...  runs CMD; succeeds if sysfs then reports a change of ATTR";

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
        "kexec" => probe::kexec(args),
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
    let parsed = match command.as_str() {
        "notify" | "failnth" => Ok(Args::verbatim(&args[1..])),
        _ => Args::parse(&args[1..]),
    };
    match parsed.and_then(|parsed| run(command, &parsed)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("daxexer {command}: {error}");
            ExitCode::FAILURE
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What the program daxexer consists of, for other programs too: contents that derive from a seed
//! ([`data`]), system calls that `std` does not offer ([`ffi`]), and a module for each command.

pub mod align;
pub mod churn;
pub mod data;
pub mod fault;
pub mod ffi;
pub mod follow;
pub mod fresh;
pub mod hammer;
pub mod infoblock;
pub mod manifest;
pub mod model;
pub mod poisoned;
pub mod probe;
pub mod race;
pub mod raw;
pub mod session;
pub mod starve;
pub mod stress;

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

/// The error is one line of text.
pub type Result<T = ()> = std::result::Result<T, String>;

/// The command line after the command: positional arguments and `--key value` pairs.
pub struct Args {
    words: Vec<String>,
    keys: HashMap<String, String>,
}

impl Args {
    /// Takes all words as positional arguments: the rest of the line is a command of its own.
    pub fn verbatim(args: &[String]) -> Self {
        Self {
            words: args.to_vec(),
            keys: HashMap::new(),
        }
    }

    pub fn parse(args: &[String]) -> Result<Self> {
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

    /// Returns the value of a key, as [`parse_size()`] understands it.
    pub fn number(&self, key: &str, default: u64) -> Result<u64> {
        let Some(text) = self.keys.get(key) else {
            return Ok(default);
        };
        parse_size(text).of(format!("--{key}"))
    }
}

/// Parses a size or a place: a sum of numbers (`2M+4K`), each decimal or with 0x, with an optional K, M
/// or G.
pub fn parse_size(text: &str) -> Result<u64> {
    let wrong = || format!("{text}: not a number");
    text.split('+').try_fold(0u64, |sum, word| {
        let number = parse_number(word).ok_or_else(wrong)?;
        sum.checked_add(number).ok_or_else(wrong)
    })
}

fn parse_number(text: &str) -> Option<u64> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1 << 10),
        b'M' => (&text[..text.len() - 1], 1 << 20),
        b'G' => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let number = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    number.ok()?.checked_mul(unit)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_sums() {
        for (text, want) in [
            ("0", 0),
            ("4096", 4096),
            ("0x10", 16),
            ("2M", 2 << 20),
            ("2M+4K", (2 << 20) + 4096),
            ("1G+0x10K+1", (1 << 30) + (16 << 10) + 1),
        ] {
            assert_eq!(parse_size(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "K",
            "+4K",
            "4K+",
            "4K++4K",
            "4K-1",
            "-1",
            "4k",
            "0xK",
            "18446744073709551615+1",
            "17179869184G",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_takes_a_sum() {
        let words = ["--off", "2M+4K"].map(String::from);
        let args = Args::parse(&words).unwrap();
        assert_eq!(args.number("off", 0), Ok((2 << 20) + 4096));
        assert_eq!(args.number("len", 7), Ok(7));
    }
}

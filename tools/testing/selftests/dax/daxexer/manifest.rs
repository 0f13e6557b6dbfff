// SPDX-License-Identifier: GPL-2.0

//! A list of files with sizes and checksums, with which a later boot checks every byte.
//!
//! A line of a file: kind (`f`, `d`, `l`), size, checksum, path. The last line has the number of
//! lines and the checksum of all lines, to detect a damaged list.

use crate::data::{Fnv, Rng};
use crate::{Args, Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const TITLE: &str = "daxexer-manifest 1";

/// Makes a tree of files of many sizes, with directories and symbolic links.
pub fn tree(args: &Args) -> Result {
    let dir = args.word(0)?;
    let mut rng = Rng::new(args.number("seed", 1)?);
    for index in 0..args.number("files", 100)? {
        let parent = format!("{dir}/{}/{}", index % 5, index % 3);
        fs::create_dir_all(&parent).of(&parent)?;
        let size = match index % 4 {
            0 => rng.below(300),
            1 => 4096 * rng.below(5),
            2 => rng.below(40_000),
            _ => rng.below(300_000),
        };
        let mut content = vec![0; size];
        rng.fill(&mut content);
        let path = format!("{parent}/file.{index}");
        fs::write(&path, content).of(&path)?;
        if index % 10 == 0 {
            let link = format!("{parent}/link.{index}");
            std::os::unix::fs::symlink(format!("file.{index}"), &link).of(&link)?;
        }
    }
    Ok(())
}

/// The line of a file, with the path `name`.
fn line(path: &Path, name: &str) -> Result<String> {
    let meta = fs::symlink_metadata(path).of(path.display())?;
    let mut sum = Fnv::new();
    let (kind, size) = if meta.is_dir() {
        ('d', 0)
    } else if meta.is_symlink() {
        let target = fs::read_link(path).of(path.display())?;
        sum.add(target.as_os_str().as_bytes());
        ('l', target.as_os_str().len() as u64)
    } else {
        let mut file = fs::File::open(path).of(path.display())?;
        let mut buf = vec![0; 1 << 20];
        let mut size = 0;
        loop {
            let n = file.read(&mut buf).of(path.display())?;
            if n == 0 {
                break;
            }
            sum.add(&buf[..n]);
            size += n as u64;
        }
        ('f', size)
    };
    Ok(format!("{kind} {size} {:016x} {name}", sum.sum()))
}

/// Finds all files and directories below `dir`, sorted, without `dir` itself and lost+found.
fn walk(dir: &Path, found: &mut BTreeSet<String>) -> Result {
    for entry in fs::read_dir(dir).of(dir.display())? {
        let path = entry.of(dir.display())?.path();
        if path
            .file_name()
            .is_some_and(|name| name == "lost+found" || name == "MANIFEST")
        {
            continue;
        }
        if fs::symlink_metadata(&path).of(path.display())?.is_dir() {
            walk(&path, found)?;
        }
        found.insert(path.to_str().ok_or("a file name is not text")?.into());
    }
    Ok(())
}

fn checksum(lines: &[String]) -> u64 {
    let mut sum = Fnv::new();
    for line in lines {
        sum.add(line.as_bytes());
        sum.add(b"\n");
    }
    sum.sum()
}

/// Prints the list of a directory; with `--as`, the paths begin with that directory instead.
pub fn list(args: &Args) -> Result {
    let dir = args.word(0)?;
    let prefix = args.text("as", dir);
    let mut found = BTreeSet::new();
    walk(Path::new(dir), &mut found)?;
    let mut lines = Vec::new();
    for path in &found {
        lines.push(line(Path::new(path), &path.replacen(dir, prefix, 1))?);
    }
    println!("{TITLE}");
    lines.iter().for_each(|line| println!("{line}"));
    println!("end {} {:016x}", lines.len(), checksum(&lines));
    Ok(())
}

/// Reads a list and returns its lines; fails if it is incomplete or damaged.
fn load(path: &str) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).of(path)?;
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    if lines.first().is_none_or(|title| title != TITLE) {
        return Err(format!("{path}: not a manifest"));
    }
    lines.remove(0);
    let end = lines.pop().ok_or(format!("{path}: empty"))?;
    let want = format!("end {} {:016x}", lines.len(), checksum(&lines));
    if end != want {
        return Err(format!(
            "{path}: damaged: ends with \"{end}\" instead of \"{want}\""
        ));
    }
    if lines.is_empty() {
        return Err(format!("{path}: lists no file"));
    }
    Ok(lines)
}

/// Checks every file of a list, and that `--only` has no other file.
pub fn verify(args: &Args) -> Result {
    let lines = load(args.word(0)?)?;
    let (mut wrong, mut bytes) = (Vec::new(), 0u64);
    let mut names = BTreeSet::new();
    for want in &lines {
        let mut fields = want.splitn(4, ' ').skip(1);
        let size = fields
            .next()
            .and_then(|size| size.parse::<u64>().ok())
            .ok_or("damaged line")?;
        let name = fields.nth(1).ok_or("damaged line")?;
        match line(Path::new(name), name) {
            Ok(got) if got == *want => bytes += size,
            Ok(got) => wrong.push(format!("{got} instead of {want}")),
            Err(error) => wrong.push(error),
        }
        names.insert(name.to_string());
    }
    let only = args.text("only", "");
    if !only.is_empty() {
        let mut found = BTreeSet::new();
        walk(Path::new(only), &mut found)?;
        wrong.extend(
            found
                .difference(&names)
                .map(|name| format!("{name}: not in the list")),
        );
    }
    match wrong.first() {
        None => {
            println!(
                "{} files and directories, {bytes} bytes: all as written",
                lines.len()
            );
            Ok(())
        }
        Some(first) => Err(format!(
            "{} of {} wrong; first: {first}",
            wrong.len(),
            lines.len()
        )),
    }
}

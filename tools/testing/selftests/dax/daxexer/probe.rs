// SPDX-License-Identifier: GPL-2.0

//! Single operations whose outcome a script checks.

use crate::ffi::{self, Area, Map, Seg, PAGE};
use crate::{open, Args, Context, Result};
use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::process::Command;

/// The names of the errors that the scripts expect.
pub fn errno_name(error: &std::io::Error) -> String {
    let name = match error.raw_os_error() {
        Some(1) => "EPERM",
        Some(2) => "ENOENT",
        Some(4) => "EINTR",
        Some(5) => "EIO",
        Some(6) => "ENXIO",
        Some(11) => "EAGAIN",
        Some(12) => "ENOMEM",
        Some(13) => "EACCES",
        Some(14) => "EFAULT",
        Some(16) => "EBUSY",
        Some(19) => "ENODEV",
        Some(22) => "EINVAL",
        Some(25) => "ENOTTY",
        Some(27) => "EFBIG",
        Some(28) => "ENOSPC",
        Some(26) => "ETXTBSY",
        Some(30) => "EROFS",
        Some(52) => "EBADE",
        Some(95) => "EOPNOTSUPP",
        Some(117) => "EUCLEAN",
        Some(122) => "EDQUOT",
        Some(133) => "EHWPOISON",
        _ => return error.to_string(),
    };
    name.into()
}

pub fn isdax(args: &Args) -> Result {
    let path = args.word(0)?;
    match ffi::is_dax(&File::open(path).of(path)?).of("statx")? {
        true => Ok(()),
        false => Err(format!("{path}: goes through the page cache")),
    }
}

fn one(args: &Args, write: bool) -> Result {
    let mut flags = 0;
    if args.number("direct", 0)? != 0 {
        flags |= ffi::O_DIRECT;
    }
    if args.number("sync", 0)? != 0 {
        flags |= ffi::O_DSYNC;
    }
    let path = args.word(0)?;
    let file = if write {
        open(path, false, flags)?
    } else {
        open_to_read(path, flags)?
    };
    let len = args.number("len", PAGE as u64)? as usize;
    let off = args.number("off", 0)?;
    let mut buf = Area::new(len).of("buffer")?;
    buf.bytes_mut().fill(0x5a);
    let seg = Seg { start: 0, len };
    let done = if write {
        buf.pwrite(&file, seg, off)
    } else {
        buf.pread(&file, seg, off)
    };
    match done {
        Ok(n) => println!("{n}"),
        Err(error) => println!("{}", errno_name(&error)),
    }
    Ok(())
}

fn open_to_read(path: &str, flags: i32) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .of(path)
}

pub fn read(args: &Args) -> Result {
    one(args, false)
}

pub fn write(args: &Args) -> Result {
    one(args, true)
}

/// Loads one byte. A SIGBUS ends the program: the shell sees status 135.
pub fn peek(args: &Args) -> Result {
    let path = args.word(0)?;
    let off = args.number("off", 0)?;
    let page = PAGE as u64;
    let map = Map::read_only(&open_to_read(path, 0)?, off / page * page, PAGE).of("mmap")?;
    println!("{}", map.peek((off % page) as usize));
    Ok(())
}

/// Stores one byte. A SIGBUS ends the program: the shell sees status 135.
pub fn poke(args: &Args) -> Result {
    let off = args.number("off", 0)?;
    let page = PAGE as u64;
    let file = open(args.word(0)?, false, 0)?;
    let mut map = Map::new(&file, off / page * page, PAGE).of("mmap")?;
    map.poke((off % page) as usize, 0x5a);
    if args.number("sync", 0)? != 0 {
        map.sync(0, PAGE).of("msync")?;
    }
    Ok(())
}

/// Has the kernel treat the memory of a page as failed, as after a machine check, and loads from
/// it.
pub fn hwpoison(args: &Args) -> Result {
    let off = args.number("off", 0)?;
    let file = open(args.word(0)?, false, 0)?;
    let map = Map::new(&file, off, PAGE).of("mmap")?;
    println!("before: {}", map.peek(0));
    map.break_page(0).of("MADV_HWPOISON")?;
    println!("after: {}", map.peek(0));
    Ok(())
}

/// Starts another kernel in the place of this one. File systems stay mounted, as in a power cut.
pub fn kexec(args: &Args) -> Result {
    let open = |path: &str| File::open(path).of(path);
    let (kernel, initrd) = (open(args.word(0)?)?, open(args.word(1)?)?);
    let command_line = CString::new(args.word(2)?.trim()).of("the command line")?;
    ffi::kexec::load(&kernel, &initrd, &command_line).of("kexec_file_load")?;
    Err(format!("kexec: {}", ffi::kexec::jump()))
}

/// Runs a command; fails unless sysfs notifies of a change of an attribute while or after it runs.
pub fn notify(args: &Args) -> Result {
    let path = args.word(0)?;
    let secs: i32 = args.word(1)?.parse().of("seconds")?;
    let mut file = File::open(path).of(path)?;
    let mut content = String::new();
    // Reading arms the notification of a sysfs file.
    file.read_to_string(&mut content).of(path)?;
    if ffi::wait_for_notification(&file, 0).of("poll")? {
        return Err(format!("{path}: reports a change before anything was done"));
    }
    let words = args.words_from(2);
    let (program, rest) = words.split_first().ok_or("which command?")?;
    let status = Command::new(program).args(rest).status().of(program)?;
    if !status.success() {
        return Err(format!("{program}: {status}"));
    }
    match ffi::wait_for_notification(&file, secs * 1000).of("poll")? {
        true => Ok(()),
        false => Err(format!("{path}: no change reported within {secs} s")),
    }
}

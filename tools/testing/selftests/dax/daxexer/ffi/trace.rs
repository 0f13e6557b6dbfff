// SPDX-License-Identifier: GPL-2.0

//! A child that its parent traces (ptrace(2)), to change its memory as a debugger does.

use super::count;
use super::process::Child;
use super::view::View;
use std::io;

const SYS_PTRACE: i64 = 101;
const PTRACE_TRACEME: i64 = 0;
const PTRACE_PEEKDATA: i64 = 2;
const PTRACE_POKEDATA: i64 = 5;
const PTRACE_CONT: i64 = 7;
const SIGSTOP: i32 = 19;

extern "C" {
    fn syscall(number: i64, ...) -> i64;
    fn raise(signal: i32) -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
}

/// Has the parent trace this process, and stops until the parent lets it go on.
pub fn stop_for_parent() -> io::Result<()> {
    // SAFETY: The request takes no pointers.
    count(unsafe { syscall(SYS_PTRACE, PTRACE_TRACEME, 0, 0usize, 0usize) } as isize)?;
    // SAFETY: The call takes no pointers.
    count(unsafe { raise(SIGSTOP) } as isize).map(drop)
}

/// Waits until the child has stopped, stores the word at `off` of its copy of the mapping, reads it
/// back, and lets the child go on. Returns the word that was read.
pub fn poke(child: &Child, view: &View, off: usize, word: u64) -> io::Result<u64> {
    let (at, pid) = (view.at(off, 8), child.id());
    let mut how = 0;
    // SAFETY: `how` is an int for the status.
    count(unsafe { waitpid(pid, &mut how, 0) } as isize)?;
    if how & 0xff != 0x7f {
        return Err(io::Error::other("the child ended"));
    }
    let mut read = 0u64;
    // SAFETY:
    // - `at` is a word of the mapping, which the child has too.
    // - The store changes memory of which the code assumes nothing.
    let stored = unsafe { syscall(SYS_PTRACE, PTRACE_POKEDATA, pid, at, word) };
    // SAFETY: The kernel stores the word that it reads to `read`.
    let loaded = unsafe { syscall(SYS_PTRACE, PTRACE_PEEKDATA, pid, at, &raw mut read) };
    // SAFETY: The request takes no pointers.
    let on = unsafe { syscall(SYS_PTRACE, PTRACE_CONT, pid, 0usize, 0usize) };
    for done in [stored, loaded, on] {
        count(done as isize)?;
    }
    Ok(read)
}

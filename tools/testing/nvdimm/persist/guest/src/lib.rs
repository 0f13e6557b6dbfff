// SPDX-License-Identifier: GPL-2.0

//! For programs in a guest that the persistence checker watches: ask whether memory is durable.
//!
//! ```no_run
//! persist::begin("my program");
//! // ... store, flush ...
//! # let memory = [0u8; 64];
//! assert_eq!(persist::check(memory.as_ptr(), memory.len()), Ok(vec![]));
//! persist::end();
//! ```
//!
//! A question is a nop, which does nothing on a machine without the checker; x86-64 only.
//! `persist.h` is the same for C.

pub mod change;
pub mod history;
pub mod images;
pub mod memory;
pub mod view;
pub mod workload;

use std::arch::asm;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// No checker watches this machine.
    Nobody,
    /// A page of the memory is not mapped or not persistent, or the checker knows nothing about it.
    /// The checker's report has the reason.
    NotThere,
}

const NOBODY: u64 = u64::MAX - 1;
const NOT_THERE: u64 = u64::MAX;

/// A line that a power cut would lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The line's offset from the checked address, 0 for the first line; for a check of physical
    /// memory, its address.
    pub offset: u64,
    /// The line lacks only a fence. Otherwise, a byte of it is only in a cache.
    pub pending: bool,
    /// The address of the last instruction that stored to it, of the kernel or a program.
    pub origin: u64,
}

pub(crate) fn ask(what: u64, address: *const u8, len: usize) -> Result<u64, NoAnswer> {
    let mut answer = NOBODY;
    // SAFETY:
    // - The instruction is a nop. The checker, if there is one, only sets `rax`, an output.
    // - The checker reads the program's memory like a debugger, without an access by the program.
    unsafe {
        asm!("nop dword ptr [rax + 0x70617864]", inout("rax") answer, in("rdi") what,
            in("rsi") address, in("rdx") len, options(nostack, preserves_flags));
    }
    match answer {
        NOBODY => Err(NoAnswer::Nobody),
        NOT_THERE => Err(NoAnswer::NotThere),
        lines => Ok(lines),
    }
}

/// Returns the 64-byte lines of this memory that a power cut would lose now.
///
/// A page that was never touched is not mapped: load from it first.
pub fn check(address: *const u8, len: usize) -> Result<Vec<Lost>, NoAnswer> {
    (0..ask(1, address, len)?).map(lost).collect()
}

/// Returns the lines of these ranges of physical memory that were stored to since [`begin()`] and
/// that a power cut would lose now. A range is a first address and a length. It is an error if
/// there was no store to them.
pub fn check_memory(parts: &[[u64; 2]]) -> Result<Vec<Lost>, NoAnswer> {
    let lines = ask(9, parts.as_ptr().cast(), parts.len())?;
    (0..lines).map(lost).collect()
}

/// Asks for a line that the last check found.
fn lost(number: u64) -> Result<Lost, NoAnswer> {
    let field = |field| ask(4, std::ptr::without_provenance(number as usize), field);
    Ok(Lost {
        offset: field(0)?,
        pending: field(1)? == 1,
        origin: field(2)?,
    })
}

/// Tells the checker, for the picture, that the byte at that address is at that offset of a file.
pub fn locate(address: *const u8, offset: u64) {
    let _ = ask(8, address, offset as usize);
}

/// Begins a scenario: names it in the report, and resets the counts.
pub fn begin(name: &str) -> Result<(), NoAnswer> {
    ask(2, name.as_ptr(), name.len()).map(drop)
}

/// Runs an operation whose cost the checker counts, in instructions, stores, write-backs and
/// fences. The report has the median of all windows between [`begin()`] and [`end()`].
pub fn window<T>(operation: impl FnOnce() -> T) -> T {
    let _ = ask(6, std::ptr::null(), 0);
    let done = operation();
    let _ = ask(7, std::ptr::null(), 0);
    done
}

/// Tells the checker of persistent memory at that physical address. It has not seen earlier stores
/// to it.
pub fn watch(start: u64, len: u64) -> Result<(), NoAnswer> {
    let start = std::ptr::without_provenance(start as usize);
    ask(10, start, len as usize).map(drop)
}

/// Runs an operation while the checker ignores fences, so that it must report its stores as lost.
pub fn without_fences<T>(operation: impl FnOnce() -> T) -> Result<T, NoAnswer> {
    let notice = |yes: usize| ask(11, std::ptr::without_provenance(yes), 0);
    notice(0)?;
    let done = operation();
    notice(1).map(|_| done)
}

/// Ends the scenario: the checker writes its counts to the report.
pub fn end() -> Result<(), NoAnswer> {
    ask(3, std::ptr::null(), 0).map(drop)
}

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
//! The questions are nops, which do nothing where nobody watches; x86-64 only. `persist.h` is the
//! same for C.

mod change;
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
    /// A page of the memory is not mapped, or is not persistent memory, or nothing is known of it: the
    /// checker's report says more.
    NotThere,
}

const NOBODY: u64 = u64::MAX - 1;
const NOT_THERE: u64 = u64::MAX;

/// A line that a power cut would lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its distance from the address that was asked about; of the first line, 0. Of physical memory,
    /// its address.
    pub offset: u64,
    /// All of it is on its way to memory, but there was no fence; else a byte of it is only in a
    /// cache.
    pub pending: bool,
    /// The address of the instruction that stored to it last, of the kernel or a program.
    pub origin: u64,
}

pub(crate) fn ask(what: u64, address: *const u8, len: usize) -> Result<u64, NoAnswer> {
    let mut answer = NOBODY;
    // SAFETY: A nop, or, if somebody watches, one that sets `rax`. The checker reads the memory
    // as a debugger would.
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

/// The 64-byte lines of this memory that a power cut would lose now.
///
/// A page that was never touched is not mapped: load from it first.
pub fn check(address: *const u8, len: usize) -> Result<Vec<Lost>, NoAnswer> {
    (0..ask(1, address, len)?).map(lost).collect()
}

/// The lines of these parts of physical memory, each a first address and a length, that a power cut
/// would lose now, if they were stored to since [`begin()`]. If none was stored to there is no
/// answer.
pub fn check_memory(parts: &[[u64; 2]]) -> Result<Vec<Lost>, NoAnswer> {
    let lines = ask(9, parts.as_ptr().cast(), parts.len())?;
    (0..lines).map(lost).collect()
}

/// One of the lines that the last question was answered with.
fn lost(number: u64) -> Result<Lost, NoAnswer> {
    let field = |field| ask(4, std::ptr::without_provenance(number as usize), field);
    Ok(Lost {
        offset: field(0)?,
        pending: field(1)? == 1,
        origin: field(2)?,
    })
}

/// From now on the byte at that address is the one at that offset of a file, for the picture.
pub fn locate(address: *const u8, offset: u64) {
    let _ = ask(8, address, offset as usize);
}

/// What follows is called so in the report, and counted from zero.
pub fn begin(name: &str) -> Result<(), NoAnswer> {
    ask(2, name.as_ptr(), name.len()).map(drop)
}

/// Does something of which the report shall say what it costs, in instructions and in what they do
/// to lines: the median of all windows between [`begin()`] and [`end()`].
pub fn window<T>(operation: impl FnOnce() -> T) -> T {
    let _ = ask(6, std::ptr::null(), 0);
    let done = operation();
    let _ = ask(7, std::ptr::null(), 0);
    done
}

/// There is persistent memory at that physical address, which the checker did not know of. What was
/// stored there before it has not seen.
pub fn watch(start: u64, len: u64) -> Result<(), NoAnswer> {
    let start = std::ptr::without_provenance(start as usize);
    ask(10, start, len as usize).map(drop)
}

/// Does something while the checker takes no notice of fences: it has to complain of what is stored.
pub fn without_fences<T>(operation: impl FnOnce() -> T) -> Result<T, NoAnswer> {
    let notice = |yes: usize| ask(11, std::ptr::without_provenance(yes), 0);
    notice(0)?;
    let done = operation();
    notice(1).map(|_| done)
}

/// Writes the counts to the report.
pub fn end() -> Result<(), NoAnswer> {
    ask(3, std::ptr::null(), 0).map(drop)
}

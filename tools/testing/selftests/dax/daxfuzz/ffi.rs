// SPDX-License-Identifier: GPL-2.0

//! Safe functions that neither `std` nor `ffi` of daxexer has: copies that survive SIGBUS, the
//! extents of a file, copy_file_range(2). All `unsafe` of the fuzzer is here.

use daxexer::ffi::process::act;
use daxexer::ffi::view::View;
use daxexer::ffi::SIGBUS;
use std::arch::global_asm;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

// rep movs counts the remaining bytes down. The SIGBUS handler continues behind it, so the function
// returns the number of bytes that it could not copy.
global_asm!(
    "daxfuzz_copy:",
    "mov rcx, rdx",
    "shr rcx, 3",
    "daxfuzz_words: rep movsq",
    "daxfuzz_words_end:",
    "and rdx, 7",
    "test rcx, rcx",
    "jnz 2f",
    "mov rcx, rdx",
    "daxfuzz_bytes: rep movsb",
    "daxfuzz_bytes_end:",
    "mov rax, rcx",
    "ret",
    "2: lea rax, [rcx * 8 + rdx]",
    "ret",
);

extern "C" {
    fn daxfuzz_copy(to: *mut u8, from: *const u8, len: usize) -> usize;
    static daxfuzz_words: u8;
    static daxfuzz_words_end: u8;
    static daxfuzz_bytes: u8;
    static daxfuzz_bytes_end: u8;

    fn signal(number: i32, handler: usize) -> usize;
    fn ioctl(fd: i32, request: u64, arg: *mut u64) -> i32;
    fn copy_file_range(
        from: i32,
        from_off: *mut i64,
        to: i32,
        to_off: *mut i64,
        len: usize,
        flags: u32,
    ) -> isize;
}

const SA_RESTART: i32 = 0x1000_0000;
/// si_code of SIGBUS for failed memory; the kernel may send it at any time, not only for an access.
const BUS_MCEERR: [i32; 2] = [4, 5];
/// The index of `uc_mcontext.gregs[REG_RIP]` in the words of `ucontext_t`.
const RIP: usize = 5 + 16;
const FS_IOC_FIEMAP: u64 = 0xc020_660b;
const UNWRITTEN: u64 = 0x800;
const EXTENTS: usize = 2048;

/// Ends the copy that got SIGBUS; a SIGBUS for an access of other code ends the program.
extern "C" fn on_sigbus(_signal: i32, info: *const i32, context: *mut usize) {
    // SAFETY:
    // - The kernel passes a siginfo_t, whose si_code is the third int.
    // - The kernel passes a ucontext_t, which only this handler accesses until it returns.
    // - The labels are addresses of instructions; the code reads no byte there.
    unsafe {
        let rip = context.add(RIP);
        if *rip == &raw const daxfuzz_words as usize {
            *rip = &raw const daxfuzz_words_end as usize;
        } else if *rip == &raw const daxfuzz_bytes as usize {
            *rip = &raw const daxfuzz_bytes_end as usize;
        } else if !BUS_MCEERR.contains(&*info.add(2)) {
            signal(SIGBUS, 0);
        }
    }
}

/// Installs the handler by which [`load`] and [`store`] survive SIGBUS.
pub fn survive_sigbus() -> io::Result<()> {
    // SAFETY: The handler reads and writes the ucontext_t, and calls at most `signal`, so it is
    // async-signal-safe.
    unsafe { act(SIGBUS, Some(on_sigbus), SA_RESTART) }
}

/// Copies from a mapping; returns the number of bytes that it could not copy because of SIGBUS.
pub fn load(view: &View, off: usize, buf: &mut [u8]) -> usize {
    // SAFETY:
    // - `at` asserts that the source is in the mapping.
    // - The target is all of `buf`, which is borrowed exclusively.
    // - Routine and handler keep the calling convention: a copy that SIGBUS ends returns early.
    unsafe { daxfuzz_copy(buf.as_mut_ptr(), view.at(off, buf.len()), buf.len()) }
}

/// Copies to a mapping; returns the number of bytes that it could not copy because of SIGBUS.
pub fn store(view: &View, off: usize, data: &[u8]) -> usize {
    // SAFETY:
    // - `at` asserts that the target is in the mapping, to which no reference exists.
    // - The source is all of `data`.
    // - Routine and handler keep the calling convention: a copy that SIGBUS ends returns early.
    unsafe { daxfuzz_copy(view.at(off, data.len()), data.as_ptr(), data.len()) }
}

fn count(ret: isize) -> io::Result<usize> {
    usize::try_from(ret).map_err(|_| io::Error::last_os_error())
}

/// The extents of a file: offset in the file, offset on the device, length. Unwritten blocks are
/// left out, because the filesystem never reads them.
pub fn extents(file: &File) -> io::Result<Vec<(u64, u64, u64)>> {
    // struct fiemap: start, length, flags and mapped_extents, extent_count and reserved; then
    // struct fiemap_extent of seven words: logical, physical, length...
    let mut arg = vec![0; 4 + 7 * EXTENTS];
    arg[1] = u64::MAX;
    arg[3] = EXTENTS as u64;
    // SAFETY: `arg` has the layout of struct fiemap with room for `EXTENTS` extents, its
    // extent_count.
    count(unsafe { ioctl(file.as_raw_fd(), FS_IOC_FIEMAP, arg.as_mut_ptr()) } as isize)?;
    let found = (arg[2] >> 32) as usize;
    let extent = |words: &[u64]| (words[0], words[1], words[2]);
    let written = arg[4..]
        .chunks(7)
        .take(found)
        .filter(|words| words[5] & UNWRITTEN == 0);
    Ok(written.map(extent).collect())
}

/// copy_file_range(2).
pub fn copy_range(from: &File, off: u64, len: u64, to: &File, to_off: u64) -> io::Result<usize> {
    let (mut off, mut to_off) = (off as i64, to_off as i64);
    // SAFETY: Both pointers are to offsets in variables of this function.
    count(unsafe {
        copy_file_range(
            from.as_raw_fd(),
            &mut off,
            to.as_raw_fd(),
            &mut to_off,
            len as usize,
            0,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use daxexer::ffi::view::{Sharing, PROT_READ, PROT_WRITE};

    #[test]
    fn sigbus_ends_a_copy_and_nothing_else() {
        survive_sigbus().unwrap();
        let path = std::env::temp_dir().join(format!("daxfuzz.{}", std::process::id()));
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .unwrap();
        file.set_len(4096).unwrap();
        let view = View::new(&file, 0, 8192, Sharing::Shared, PROT_READ | PROT_WRITE, 0).unwrap();
        let data: Vec<u8> = (0..100).map(|n| n as u8 + 1).collect();
        for (at, left) in [(0, 0), (3996, 0), (4000, 4), (4093, 97), (4096, 100)] {
            // the copy stores no word of which a part is not accessible
            let stored = store(&view, at, &data);
            assert!(
                (left..left + 8).contains(&stored) && (left != 0 || stored == 0),
                "{at}"
            );
            let mut got = [0; 100];
            let loaded = load(&view, at, &mut got);
            assert_eq!(loaded, stored, "{at}");
            assert_eq!(got[..100 - loaded], data[..100 - loaded], "{at}");
        }
        std::fs::remove_file(path).unwrap();
    }
}

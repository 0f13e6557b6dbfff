// SPDX-License-Identifier: GPL-2.0

//! Ranges of files: cloning, deduplication, statistics, and transfers with `RWF_NOWAIT`.

use super::{count, status, Area, IoVec, Seg};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// `_IOW(0x94, 13, struct file_clone_range)`.
const FICLONERANGE: u64 = 0x4020_940d;
/// `_IOWR(0x94, 54, struct file_dedupe_range)`.
const FIDEDUPERANGE: u64 = 0xc018_9436;
const RWF_NOWAIT: i32 = 8;
const SYS_CACHESTAT: i64 = 451;

extern "C" {
    fn syscall(number: i64, ...) -> i64;
    fn ioctl(fd: i32, request: u64, arg: *mut u64) -> i32;
    fn preadv2(fd: i32, iov: *const IoVec, n: i32, off: i64, flags: i32) -> isize;
    fn pwritev2(fd: i32, iov: *const IoVec, n: i32, off: i64, flags: i32) -> isize;
}

/// The result of FIDEDUPERANGE for a range.
pub enum Dedupe {
    /// The number of bytes that are shared now.
    Same(u64),
    Differs,
    Failed(io::Error),
}

/// Makes `len` bytes of `to` share the blocks of `from`.
pub fn clone_range(from: &File, from_off: u64, len: u64, to: &File, to_off: u64) -> io::Result<()> {
    let mut arg = [from.as_raw_fd() as u64, from_off, len, to_off];
    // SAFETY: `arg` has the layout of struct file_clone_range.
    status(unsafe { ioctl(to.as_raw_fd(), FICLONERANGE, arg.as_mut_ptr()) })
}

/// Shares the blocks of two ranges if their bytes are the same.
pub fn dedupe_range(
    from: &File,
    from_off: u64,
    len: u64,
    to: &File,
    to_off: u64,
) -> io::Result<Dedupe> {
    // struct file_dedupe_range with one struct file_dedupe_range_info:
    // src_offset, src_length, dest_count; dest_fd, dest_offset, bytes_deduped, status
    let mut arg = [from_off, len, 1, to.as_raw_fd() as u64, to_off, 0, 0];
    // SAFETY: `arg` has the layout of struct file_dedupe_range with one destination, and dest_count
    // is 1.
    status(unsafe { ioctl(from.as_raw_fd(), FIDEDUPERANGE, arg.as_mut_ptr()) })?;
    Ok(match arg[6] as u32 as i32 {
        0 => Dedupe::Same(arg[5]),
        1 => Dedupe::Differs,
        error => Dedupe::Failed(io::Error::from_raw_os_error(-error)),
    })
}

/// The numbers of pages that cachestat(2) counts in a range: cached, dirty, under writeback, evicted,
/// and evicted recently.
pub fn cache_statistics(file: &File, off: u64, len: u64) -> io::Result<[u64; 5]> {
    let range = [off, len];
    let mut counts = [0; 5];
    // SAFETY: `range` has the layout of struct cachestat_range, and `counts` that of struct cachestat.
    let done = unsafe {
        syscall(
            SYS_CACHESTAT,
            file.as_raw_fd(),
            range.as_ptr(),
            counts.as_mut_ptr(),
            0,
        )
    };
    status(done as i32)?;
    Ok(counts)
}

impl Area {
    /// pwritev2(2) with `RWF_NOWAIT`.
    pub fn write_nowait(&self, file: &File, seg: Seg, off: u64) -> io::Result<usize> {
        let iov = self.iovecs(&[seg]);
        // SAFETY:
        // - `iov` has one element, and the count is 1.
        // - `iovecs` keeps the segment within the area and the page without access; the kernel only
        //   reads it, and returns EFAULT for that page.
        count(unsafe { pwritev2(file.as_raw_fd(), iov.as_ptr(), 1, off as i64, RWF_NOWAIT) })
    }

    /// preadv2(2) with `RWF_NOWAIT`.
    pub fn read_nowait(&mut self, file: &File, seg: Seg, off: u64) -> io::Result<usize> {
        let iov = self.iovecs(&[seg]);
        // SAFETY:
        // - `iov` has one element, and the count is 1.
        // - `iovecs` keeps the segment within the area and the page without access, for which the
        //   kernel returns EFAULT.
        // - The area is borrowed exclusively.
        count(unsafe { preadv2(file.as_raw_fd(), iov.as_ptr(), 1, off as i64, RWF_NOWAIT) })
    }
}

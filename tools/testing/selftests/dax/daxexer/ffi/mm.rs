// SPDX-License-Identifier: GPL-2.0

//! What memory management says about a [`View`], and what it is asked to do with it.

use super::view::View;
use super::{count, status, PAGE};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

/// `_IOWR('f', 17, struct procmap_query)`.
const PROCMAP_QUERY: u64 = 0xc068_6611;
const SYS_FUTEX: i64 = 202;
const SYS_REMAP_FILE_PAGES: i64 = 216;
const SYS_MBIND: i64 = 237;
const SYS_MOVE_PAGES: i64 = 279;
const SYS_PIDFD_OPEN: i64 = 434;
const SYS_PROCESS_MADVISE: i64 = 440;
const FUTEX_WAIT: usize = 0;
const FUTEX_WAKE: usize = 1;
const MPOL_BIND: usize = 2;
/// `MPOL_MF_STRICT | MPOL_MF_MOVE`.
const MOVE_STRICTLY: usize = 3;
const MPOL_MF_MOVE: usize = 2;
const RLIMIT_CORE: i32 = 4;

extern "C" {
    fn syscall(number: i64, ...) -> i64;
    fn mincore(addr: *mut u8, len: usize, vec: *mut u8) -> i32;
    fn mlock(addr: *const u8, len: usize) -> i32;
    fn munlock(addr: *const u8, len: usize) -> i32;
    fn ioctl(fd: i32, request: u64, arg: *mut u64) -> i32;
    fn setrlimit(resource: i32, limit: *const [u64; 2]) -> i32;
    fn getppid() -> i32;
}

/// An entry of `/proc/PID/pagemap`.
#[derive(Clone, Copy)]
pub struct PagemapEntry(u64);

impl PagemapEntry {
    pub fn present(self) -> bool {
        self.0 >> 63 & 1 != 0
    }

    pub fn swapped(self) -> bool {
        self.0 >> 62 & 1 != 0
    }

    /// The page is the file's, not a private copy.
    pub fn of_file(self) -> bool {
        self.0 >> 61 & 1 != 0
    }

    /// The page is mapped here alone.
    pub fn exclusive(self) -> bool {
        self.0 >> 56 & 1 != 0
    }
}

/// Allows core dumps of any size, with this filter (core(5)).
pub fn allow_core(filter: u64) -> io::Result<()> {
    fs::write("/proc/self/coredump_filter", format!("{filter:#x}"))?;
    // SAFETY: The limit is a struct rlimit, two words.
    status(unsafe { setrlimit(RLIMIT_CORE, &[u64::MAX; 2]) })
}

impl View {
    /// The number of pages that are in core (mincore(2)).
    pub fn resident(&self, off: usize, len: usize) -> io::Result<usize> {
        let mut pages = vec![0u8; len.div_ceil(PAGE)];
        // SAFETY:
        // - `at` asserts that the range is in the mapping, of which the call changes nothing.
        // - `pages` has a byte for each page.
        status(unsafe { mincore(self.at(off, len), len, pages.as_mut_ptr()) })?;
        Ok(pages.iter().filter(|page| **page & 1 != 0).count())
    }

    /// mlock(2).
    pub fn lock(&self, off: usize, len: usize) -> io::Result<()> {
        // SAFETY: `at` asserts that the range is in the mapping.
        status(unsafe { mlock(self.at(off, len), len) })
    }

    /// munlock(2).
    pub fn unlock(&self, off: usize, len: usize) -> io::Result<()> {
        // SAFETY: `at` asserts that the range is in the mapping.
        status(unsafe { munlock(self.at(off, len), len) })
    }

    /// process_madvise(2) for the parent of this process, which has the mapping too.
    pub fn advise_parent(&self, off: usize, len: usize, advice: i32) -> io::Result<usize> {
        // SAFETY: The calls take a number of a process and no pointers.
        let pidfd = unsafe { syscall(SYS_PIDFD_OPEN, getppid(), 0) };
        let fd = count(pidfd as isize)? as i32;
        // SAFETY: The call above has just made the descriptor, so nothing else owns it.
        let pidfd = unsafe { OwnedFd::from_raw_fd(fd) };
        let vector = [self.at(off, len) as usize, len];
        // SAFETY:
        // - `vector` is one struct iovec, and the count is 1.
        // - `at` asserts that the range is in the mapping; the code assumes nothing about content.
        let done = unsafe {
            let vectors: *const [usize; 2] = &vector;
            syscall(
                SYS_PROCESS_MADVISE,
                pidfd.as_raw_fd(),
                vectors,
                1usize,
                advice,
                0,
            )
        };
        count(done as isize)
    }

    /// move_pages(2) of the page at `off` to a node: the node or the error that it is answered with.
    pub fn migrate(&self, off: usize, node: i32) -> io::Result<io::Result<i32>> {
        let (page, mut said) = ([self.at(off, 1)], [0i32]);
        // SAFETY: The three arrays have one element, and the count is 1.
        let done = unsafe {
            syscall(
                SYS_MOVE_PAGES,
                0,
                1usize,
                page.as_ptr(),
                [node].as_ptr(),
                said.as_mut_ptr(),
                MPOL_MF_MOVE,
            )
        };
        count(done as isize)?;
        Ok(match said[0] {
            error @ ..0 => Err(io::Error::from_raw_os_error(-error)),
            node => Ok(node),
        })
    }

    /// mbind(2) to node 0, which has to move all pages of other nodes.
    pub fn bind(&self, off: usize, len: usize, node: u32) -> io::Result<()> {
        let nodes = [1u64 << node];
        // SAFETY:
        // - `at` asserts that the range is in the mapping.
        // - `nodes` has the 64 bits that the count names; the kernel takes one off.
        let done = unsafe {
            syscall(
                SYS_MBIND,
                self.at(off, len),
                len,
                MPOL_BIND,
                nodes.as_ptr(),
                65usize,
                MOVE_STRICTLY,
            )
        };
        status(done as i32)
    }

    /// remap_file_pages(2): `len` bytes at `off` show the file from page `page` on.
    pub fn remap(&self, off: usize, len: usize, page: usize) -> io::Result<()> {
        // SAFETY:
        // - `at` asserts that the range is in the mapping, and the call maps the same file there.
        // - No reference to the mapping exists.
        let done = unsafe {
            syscall(
                SYS_REMAP_FILE_PAGES,
                self.at(off, len),
                len,
                0usize,
                page,
                0usize,
            )
        };
        status(done as i32)
    }

    /// Waits until another task wakes the word at `off`, which is 0 (FUTEX_WAIT of a shared futex).
    pub fn wait(&self, off: usize) -> io::Result<()> {
        // SAFETY:
        // - `at` asserts that the word is in the mapping.
        // - The time is a null pointer: no limit.
        let done = unsafe {
            syscall(
                SYS_FUTEX,
                self.at(off, 4),
                FUTEX_WAIT,
                0usize,
                std::ptr::null::<u64>(),
            )
        };
        status(done as i32)
    }

    /// Wakes all tasks that wait for the word at `off`, and returns their number.
    pub fn wake(&self, off: usize) -> io::Result<usize> {
        // SAFETY: `at` asserts that the word is in the mapping.
        let woken = unsafe { syscall(SYS_FUTEX, self.at(off, 4), FUTEX_WAKE, 1000usize) };
        count(woken as isize)
    }

    /// Reads from the mapping through `/proc/self/mem`, as a debugger does.
    pub fn inspect(&self, off: usize, data: &mut [u8]) -> io::Result<usize> {
        let at = self.at(off, data.len()) as u64;
        File::open("/proc/self/mem")?.read_at(data, at)
    }

    /// Writes to the mapping through `/proc/self/mem`, as a debugger does: also where the task
    /// itself may not write.
    pub fn patch(&self, off: usize, data: &[u8]) -> io::Result<usize> {
        let at = self.at(off, data.len()) as u64;
        let memory = OpenOptions::new().write(true).open("/proc/self/mem")?;
        memory.write_at(data, at)
    }

    /// The entry of `/proc/self/pagemap` for the page at `off`.
    pub fn pagemap(&self, off: usize) -> io::Result<PagemapEntry> {
        let page = self.at(off, 1) as usize / PAGE;
        let mut entry = [0; 8];
        File::open("/proc/self/pagemap")?.read_exact_at(&mut entry, page as u64 * 8)?;
        Ok(PagemapEntry(u64::from_le_bytes(entry)))
    }

    /// The lines that `/proc/self/FILE` (smaps or numa_maps) has about the area with byte 0.
    pub fn told_in(&self, file: &str) -> io::Result<Vec<String>> {
        let base = self.at(0, 1) as usize;
        let text = fs::read_to_string(format!("/proc/self/{file}"))?;
        // smaps has "START-END ...", numa_maps "START ..."
        let header = |line: &str| {
            let range = line.split_whitespace().next()?;
            let (start, end) = range.split_once('-').unwrap_or((range, range));
            let number = |text| usize::from_str_radix(text, 16).ok();
            Some((number(start)?, number(end)?.max(number(start)? + 1)))
        };
        let mut inside = false;
        let mut lines = Vec::new();
        for line in text.lines() {
            if let Some((start, end)) = header(line) {
                inside = (start..end).contains(&base);
            }
            if inside {
                lines.push(line.into());
            }
        }
        Ok(lines)
    }

    /// The bounds and the file offset of the area with byte 0, by PROCMAP_QUERY.
    pub fn query(&self) -> io::Result<[u64; 3]> {
        // struct procmap_query: size, query_flags, query_addr, vma_start, vma_end, vma_flags,
        // vma_page_size, vma_offset, inode, then 4 ints and 2 addresses
        let mut arg = [0u64; 13];
        (arg[0], arg[2]) = (104, self.at(0, 1) as u64);
        let maps = File::open("/proc/self/maps")?;
        // SAFETY: `arg` has the size and the layout of a struct procmap_query without buffers.
        status(unsafe { ioctl(maps.as_raw_fd(), PROCMAP_QUERY, arg.as_mut_ptr()) })?;
        Ok([arg[3], arg[4], arg[7]])
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Which pages of a mapping have been written: write protection by userfaultfd, and PAGEMAP_SCAN.

use super::view::{Region, Scan, View};
use super::{count, status};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};

const SYS_USERFAULTFD: i64 = 323;
const UFFD_USER_MODE_ONLY: i64 = 1;
const UFFD_API: u64 = 0xaa;
const UFFD_FEATURE_WP_UNPOPULATED: u64 = 1 << 13;
const UFFD_FEATURE_WP_ASYNC: u64 = 1 << 15;
/// `_IOWR(0xaa, 0x3f, struct uffdio_api)`.
const UFFDIO_API: u64 = 0xc018_aa3f;
/// `_IOWR(0xaa, 0, struct uffdio_register)`.
const UFFDIO_REGISTER: u64 = 0xc020_aa00;
/// `_IOWR(0xaa, 6, struct uffdio_writeprotect)`.
const UFFDIO_WRITEPROTECT: u64 = 0xc018_aa06;
const MODE_WP: u64 = 1 << 1;
const PROTECT: u64 = 1;

const WRITTEN: u64 = 1 << 1;
const WP_MATCHING: u64 = 1;
const CHECK_WPASYNC: u64 = 2;

extern "C" {
    fn syscall(number: i64, ...) -> i64;
    fn ioctl(fd: i32, request: u64, arg: *mut u64) -> i32;
}

/// A userfaultfd that write-protects mappings and lets each write through, but remembers it.
pub struct Watch(File);

impl Watch {
    pub fn new() -> io::Result<Self> {
        // SAFETY: The call takes flags, and no pointers.
        let fd = count(unsafe { syscall(SYS_USERFAULTFD, UFFD_USER_MODE_ONLY) } as isize)?;
        // SAFETY: The kernel has just made the descriptor, and no other object has it.
        let watch = Self(unsafe { File::from_raw_fd(fd as i32) });
        // struct uffdio_api: api, features, ioctls
        let features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED;
        watch.call(UFFDIO_API, &mut [UFFD_API, features, 0])?;
        Ok(watch)
    }

    /// Watches `len` bytes at `off` of the mapping until this object is dropped. What was mapped
    /// before counts as written.
    pub fn watch(&self, view: &View, off: usize, len: usize) -> io::Result<()> {
        // struct uffdio_register: start, len, mode, ioctls
        let start = view.at(off, len) as u64;
        self.call(UFFDIO_REGISTER, &mut [start, len as u64, MODE_WP, 0])
    }

    /// Write-protects `len` bytes at `off` of the mapping, whether they have been written or not.
    pub fn protect(&self, view: &View, off: usize, len: usize) -> io::Result<()> {
        // struct uffdio_writeprotect: start, len, mode
        let start = view.at(off, len) as u64;
        self.call(UFFDIO_WRITEPROTECT, &mut [start, len as u64, PROTECT])
    }

    fn call<const N: usize>(&self, request: u64, arg: &mut [u64; N]) -> io::Result<()> {
        // SAFETY: The callers above pass the array that has the layout of the request's structure.
        status(unsafe { ioctl(self.0.as_raw_fd(), request, arg.as_mut_ptr()) })
    }
}

impl View {
    /// The regions of `len` watched bytes at `off` that have been written since the last call,
    /// which are write-protected again.
    pub fn written(&self, off: usize, len: usize) -> io::Result<Vec<Region>> {
        let written = Scan {
            flags: WP_MATCHING | CHECK_WPASYNC,
            mask: WRITTEN,
            wanted: WRITTEN,
        };
        self.scan(off, len, written)
    }
}

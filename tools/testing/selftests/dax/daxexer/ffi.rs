// SPDX-License-Identifier: GPL-2.0

//! The system calls that `std` does not offer, behind safe functions. All `unsafe` of the
//! program is in this module.

pub mod kexec;
pub mod mm;
pub mod notices;
pub mod process;
pub mod range;
pub mod trace;
pub mod transfer;
pub mod uring;
pub mod verity;
pub mod view;
pub mod writes;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Bytes in a page of the only architecture with these drivers.
pub const PAGE: usize = 4096;

pub const O_DIRECT: i32 = 0o40000;
pub const O_DSYNC: i32 = 0o10000;

pub const FALLOC_KEEP_SIZE: i32 = 1;
pub const FALLOC_PUNCH_HOLE: i32 = 2;
pub const FALLOC_COLLAPSE_RANGE: i32 = 8;
pub const FALLOC_ZERO_RANGE: i32 = 16;
pub const FALLOC_INSERT_RANGE: i32 = 32;
pub const FALLOC_UNSHARE_RANGE: i32 = 64;

const PROT_NONE: i32 = 0;
const PROT_READ: i32 = 1;
const PROT_WRITE: i32 = 2;
const MAP_SHARED: i32 = 1;
const MAP_PRIVATE: i32 = 2;
const MAP_SHARED_VALIDATE: i32 = 3;
const MAP_FIXED: i32 = 0x10;
const MAP_ANONYMOUS: i32 = 0x20;
const MAP_SYNC: i32 = 0x80000;
const MADV_POPULATE_READ: i32 = 22;
const MADV_HWPOISON: i32 = 100;
const MS_SYNC: i32 = 4;
const POLLPRI: i16 = 2;
const POLLERR: i16 = 8;
const AT_EMPTY_PATH: i32 = 0x1000;
const STATX_BASIC_STATS: u32 = 0x7ff;
const STATX_ATTR_DAX: u64 = 0x0020_0000;

/// A piece of an [`Area`]: one `struct iovec` of a vectored call.
#[derive(Clone, Copy)]
pub struct Seg {
    pub start: usize,
    pub len: usize,
}

#[repr(C)]
struct IoVec {
    base: *mut u8,
    len: usize,
}

#[repr(C)]
struct PollFd {
    fd: i32,
    events: i16,
    revents: i16,
}

/// The signal for an access to poison, or behind the end of a file.
pub const SIGBUS: i32 = 7;
const SIG_DFL: usize = 0;

extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
    fn mmap(addr: *mut u8, len: usize, prot: i32, flags: i32, fd: i32, off: i64) -> *mut u8;
    fn munmap(addr: *mut u8, len: usize) -> i32;
    fn msync(addr: *mut u8, len: usize, flags: i32) -> i32;
    fn madvise(addr: *mut u8, len: usize, advice: i32) -> i32;
    fn pread(fd: i32, buf: *mut u8, len: usize, off: i64) -> isize;
    fn pwrite(fd: i32, buf: *const u8, len: usize, off: i64) -> isize;
    fn preadv(fd: i32, iov: *const IoVec, n: i32, off: i64) -> isize;
    fn pwritev(fd: i32, iov: *const IoVec, n: i32, off: i64) -> isize;
    fn fallocate(fd: i32, mode: i32, off: i64, len: i64) -> i32;
    fn poll(fds: *mut PollFd, n: u64, timeout_ms: i32) -> i32;
    fn statx(dir: i32, path: *const u8, flags: i32, mask: u32, out: *mut u64) -> i32;
}

fn count(ret: isize) -> io::Result<usize> {
    usize::try_from(ret).map_err(|_| io::Error::last_os_error())
}

fn status(ret: i32) -> io::Result<()> {
    count(ret as isize).map(|_| ())
}

/// Makes every SIGBUS end the program. `std` installs a handler that looks for stack overflows and
/// swallows a single SIGBUS.
pub fn die_of_sigbus() {
    // SAFETY: SIG_DFL installs no handler, so no code of this program runs on the signal.
    unsafe { signal(SIGBUS, SIG_DFL) };
}

/// Allocates, punches or zeroes `len` bytes at `off` (fallocate(2)).
pub fn file_allocate(file: &File, mode: i32, off: u64, len: u64) -> io::Result<()> {
    // SAFETY: The call takes no pointers, and `file` keeps the descriptor open.
    status(unsafe { fallocate(file.as_raw_fd(), mode, off as i64, len as i64) })
}

/// Whether accesses to `file` bypass the page cache, as the kernel reports it.
pub fn is_dax(file: &File) -> io::Result<bool> {
    // `struct statx` is 256 bytes; stx_attributes is its second 64-bit word.
    let mut out = [0u64; 32];
    // SAFETY:
    // - The path is a NUL-terminated string literal.
    // - `out` has the size of `struct statx`.
    status(unsafe {
        statx(
            file.as_raw_fd(),
            c"".as_ptr().cast(),
            AT_EMPTY_PATH,
            STATX_BASIC_STATS,
            out.as_mut_ptr(),
        )
    })?;
    Ok(out[1] & STATX_ATTR_DAX != 0)
}

/// Waits until sysfs reports a change of the attribute `file`; `false` after `timeout_ms`.
pub fn wait_for_notification(file: &File, timeout_ms: i32) -> io::Result<bool> {
    let mut fds = PollFd {
        fd: file.as_raw_fd(),
        events: POLLPRI | POLLERR,
        revents: 0,
    };
    // SAFETY: `fds` is one `struct pollfd`, and the count is 1.
    let ret = unsafe { poll(&mut fds, 1, timeout_ms) };
    count(ret as isize).map(|n| n != 0)
}

/// Private memory that ends at a page without access.
///
/// # Invariants
///
/// `base` points to `len` readable and writable bytes that this object owns, followed by `PAGE`
/// bytes without access.
pub struct Area {
    base: *mut u8,
    len: usize,
}

// SAFETY: By the type invariants the object owns the memory, which all threads can access.
unsafe impl Send for Area {}

impl Area {
    /// Makes an area of `len` bytes, rounded up to pages.
    pub fn new(len: usize) -> io::Result<Self> {
        let len = len.next_multiple_of(PAGE);
        // SAFETY: The address hint is null, so the kernel maps unused addresses.
        let base = unsafe {
            mmap(
                std::ptr::null_mut(),
                len + PAGE,
                PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if base as isize == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: The range is the last page of the mapping made above, which nothing uses yet.
        let guard = unsafe {
            mmap(
                base.add(len),
                PAGE,
                PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                -1,
                0,
            )
        };
        if guard as isize == -1 {
            return Err(io::Error::last_os_error());
        }
        // INVARIANT: mmap() has made both mappings, and no other object has their addresses.
        Ok(Self { base, len })
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY:
        // - By the type invariants `base` points to `len` readable bytes.
        // - The reference borrows `self`, and only `&mut self` methods change the bytes.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY:
        // - By the type invariants `base` points to `len` readable and writable bytes.
        // - The reference borrows `self` exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.base, self.len) }
    }

    fn check(&self, seg: Seg) {
        assert!(
            seg.start + seg.len <= self.len + PAGE,
            "segment outside of the area"
        );
    }

    fn iovecs(&self, segs: &[Seg]) -> Vec<IoVec> {
        let one = |seg: &Seg| {
            self.check(*seg);
            IoVec {
                base: self.base.wrapping_add(seg.start),
                len: seg.len,
            }
        };
        segs.iter().map(one).collect()
    }

    /// pwrite(2) from the area. The segment may run into the page without access.
    pub fn pwrite(&self, file: &File, seg: Seg, off: u64) -> io::Result<usize> {
        self.check(seg);
        // SAFETY: `check` keeps the segment within the area and the page without access; the kernel
        // only reads it, and returns EFAULT for that page.
        count(unsafe {
            pwrite(
                file.as_raw_fd(),
                self.base.add(seg.start),
                seg.len,
                off as i64,
            )
        })
    }

    /// pread(2) into the area. The segment may run into the page without access.
    pub fn pread(&mut self, file: &File, seg: Seg, off: u64) -> io::Result<usize> {
        self.check(seg);
        // SAFETY:
        // - `check` keeps the segment within the area and the page without access, for which the
        //   kernel returns EFAULT.
        // - The area is borrowed exclusively.
        count(unsafe {
            pread(
                file.as_raw_fd(),
                self.base.add(seg.start),
                seg.len,
                off as i64,
            )
        })
    }

    /// pwritev(2) of the segments in their order.
    pub fn pwritev(&self, file: &File, segs: &[Seg], off: u64) -> io::Result<usize> {
        let iov = self.iovecs(segs);
        // SAFETY:
        // - `iov` has `iov.len()` elements.
        // - `iovecs` keeps each segment within the area and the page without access; the kernel
        //   only reads them, and returns EFAULT for that page.
        count(unsafe { pwritev(file.as_raw_fd(), iov.as_ptr(), iov.len() as i32, off as i64) })
    }

    /// preadv(2) into the segments in their order.
    pub fn preadv(&mut self, file: &File, segs: &[Seg], off: u64) -> io::Result<usize> {
        let iov = self.iovecs(segs);
        // SAFETY:
        // - `iov` has `iov.len()` elements.
        // - `iovecs` keeps each segment within the area and the page without access, for which the
        //   kernel returns EFAULT.
        // - The area is borrowed exclusively.
        count(unsafe { preadv(file.as_raw_fd(), iov.as_ptr(), iov.len() as i32, off as i64) })
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the object owns this memory and the page behind it.
        unsafe { munmap(self.base, self.len + PAGE) };
    }
}

/// A shared mapping of a file or device.
///
/// The code never makes a reference into it, because other tasks may change it at any time.
///
/// # Invariants
///
/// `base` is the start of a shared mapping of `len` bytes, which this object owns.
pub struct Map {
    base: *mut u8,
    len: usize,
}

impl Map {
    fn make(file: &File, off: u64, len: usize, prot: i32, flags: i32) -> io::Result<Self> {
        // SAFETY: The address hint is null, so the kernel maps unused addresses.
        let base = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                prot,
                flags,
                file.as_raw_fd(),
                off as i64,
            )
        };
        if base as isize == -1 {
            return Err(io::Error::last_os_error());
        }
        // INVARIANT: mmap() has made this mapping, and no other object has its address.
        Ok(Self { base, len })
    }

    /// Maps `len` bytes at `off` for reading and writing.
    pub fn new(file: &File, off: u64, len: usize) -> io::Result<Self> {
        Self::make(file, off, len, PROT_READ | PROT_WRITE, MAP_SHARED)
    }

    /// Maps for reading alone.
    pub fn read_only(file: &File, off: u64, len: usize) -> io::Result<Self> {
        Self::make(file, off, len, PROT_READ, MAP_SHARED)
    }

    /// Maps with `MAP_SYNC`: metadata of a fault is durable before a store can hit the media.
    pub fn synchronous(file: &File, off: u64, len: usize) -> io::Result<Self> {
        Self::make(
            file,
            off,
            len,
            PROT_READ | PROT_WRITE,
            MAP_SHARED_VALIDATE | MAP_SYNC,
        )
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Stores `data` at `off`, the way memcpy does.
    pub fn write(&mut self, off: usize, data: &[u8]) {
        assert!(off + data.len() <= self.len, "store outside of the mapping");
        // SAFETY:
        // - The assertion keeps the range within the mapping of the type invariants.
        // - No reference to the mapping exists, so `data` cannot overlap it.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), self.base.add(off), data.len()) };
    }

    /// Loads from `off`, the way memcpy does.
    pub fn read(&self, off: usize, data: &mut [u8]) {
        assert!(off + data.len() <= self.len, "load outside of the mapping");
        // SAFETY:
        // - The assertion keeps the range within the mapping of the type invariants.
        // - No reference to the mapping exists, so `data` cannot overlap it.
        unsafe { std::ptr::copy_nonoverlapping(self.base.add(off), data.as_mut_ptr(), data.len()) };
    }

    /// Stores one byte at `off` with a single instruction.
    pub fn poke(&mut self, off: usize, value: u8) {
        assert!(off < self.len, "store outside of the mapping");
        // SAFETY: The assertion keeps the byte within the mapping of the type invariants.
        unsafe { self.base.add(off).write_volatile(value) };
    }

    /// Loads one byte from `off` with a single instruction.
    pub fn peek(&self, off: usize) -> u8 {
        assert!(off < self.len, "load outside of the mapping");
        // SAFETY: The assertion keeps the byte within the mapping of the type invariants.
        unsafe { self.base.add(off).read_volatile() }
    }

    /// msync(2) of the pages that hold `len` bytes at `off`.
    pub fn sync(&self, off: usize, len: usize) -> io::Result<()> {
        let start = off / PAGE * PAGE;
        assert!(off + len <= self.len, "sync outside of the mapping");
        // SAFETY: The assertion keeps the range within the mapping of the type invariants.
        status(unsafe { msync(self.base.add(start), off + len - start, MS_SYNC) })
    }

    /// Faults all pages in for reading (`MADV_POPULATE_READ`); a fault that fails is an error here.
    pub fn populate(&self) -> io::Result<()> {
        // SAFETY: The range is the mapping of the type invariants, and the call changes no byte.
        status(unsafe { madvise(self.base, self.len, MADV_POPULATE_READ) })
    }

    /// Has the kernel treat the memory of the page at `off` as failed (`MADV_HWPOISON`).
    pub fn break_page(&self, off: usize) -> io::Result<()> {
        assert!(
            off % PAGE == 0 && off + PAGE <= self.len,
            "not a page of the mapping"
        );
        // SAFETY:
        // - The assertion keeps the page within the mapping of the type invariants.
        // - The code assumes nothing about the content of the mapping, and later accesses may get
        //   SIGBUS, which ends the program.
        status(unsafe { madvise(self.base.add(off), PAGE, MADV_HWPOISON) })
    }

    /// pwrite(2) into `file` whose source is this mapping.
    pub fn pwrite_to(&self, file: &File, start: usize, len: usize, off: u64) -> io::Result<usize> {
        assert!(start + len <= self.len, "source outside of the mapping");
        // SAFETY: The assertion keeps the range within the mapping of the type invariants, and the
        // kernel only reads it.
        count(unsafe { pwrite(file.as_raw_fd(), self.base.add(start), len, off as i64) })
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: By the type invariants this object owns the mapping.
        unsafe { munmap(self.base, self.len) };
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Mappings at addresses of the test's choice that several threads use, and the state of their page
//! tables.

use super::{count, status, PAGE};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Bytes that one entry of the second level of the page tables maps.
pub const HUGE: usize = 2 << 20;

const PROT_NONE: i32 = 0;
pub const PROT_READ: i32 = 1;
pub const PROT_WRITE: i32 = 2;
const MAP_SHARED: i32 = 1;
const MAP_PRIVATE: i32 = 2;
const MAP_SHARED_VALIDATE: i32 = 3;
const MAP_FIXED: i32 = 0x10;
const MAP_ANONYMOUS: i32 = 0x20;
const MAP_NORESERVE: i32 = 0x4000;
const MAP_SYNC: i32 = 0x80000;
const MS_SYNC: i32 = 4;
const MREMAP_MAYMOVE: i32 = 1;
const MREMAP_FIXED: i32 = 2;
/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: u64 = 0xc060_6610;

extern "C" {
    fn mmap(addr: *mut u8, len: usize, prot: i32, flags: i32, fd: i32, off: i64) -> *mut u8;
    fn munmap(addr: *mut u8, len: usize) -> i32;
    fn mremap(addr: *mut u8, len: usize, new: usize, flags: i32, to: *mut u8) -> *mut u8;
    fn mprotect(addr: *mut u8, len: usize, prot: i32) -> i32;
    fn madvise(addr: *mut u8, len: usize, advice: i32) -> i32;
    fn msync(addr: *mut u8, len: usize, flags: i32) -> i32;
    fn ioctl(fd: i32, request: u64, arg: *mut u64) -> i32;
}

/// How stores reach the file.
#[derive(Clone, Copy, PartialEq)]
pub enum Sharing {
    Shared,
    Private,
    /// Shared with `MAP_SYNC`.
    Synchronous,
}

/// Adjacent pages with the same state in the page tables.
pub struct Region {
    /// The offset of the first byte in the mapping.
    pub start: usize,
    pub len: usize,
    /// `PAGE_IS_*` of linux/fs.h.
    pub categories: u64,
}

/// What PAGEMAP_SCAN looks for.
pub struct Scan {
    /// `PM_SCAN_*` of linux/fs.h.
    pub flags: u64,
    /// The categories that a page must have.
    pub mask: u64,
    /// The categories that are reported.
    pub wanted: u64,
}

/// A mapping of a file within reserved addresses.
///
/// All accesses are raw. Other threads and writes to the file change the bytes at any time, so the
/// code never makes a reference to them.
///
/// # Invariants
///
/// - `base` is the start of a mapping of `len` bytes.
/// - The mapping lies in `room` reserved bytes at `reserved`, which this object owns.
pub struct View {
    reserved: *mut u8,
    room: usize,
    base: *mut u8,
    len: usize,
    /// The file offset of byte 0 of the mapping.
    pub origin: u64,
}

// SAFETY: The mapping belongs to no thread.
unsafe impl Send for View {}
// SAFETY: All accesses are of raw bytes, and no method makes a reference to them.
unsafe impl Sync for View {}

/// Reserves `room` bytes of addresses.
fn reserve(room: usize) -> io::Result<*mut u8> {
    // SAFETY: The address hint is null, so the kernel maps unused addresses.
    let at = unsafe {
        mmap(
            std::ptr::null_mut(),
            room,
            PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
            -1,
            0,
        )
    };
    if at as isize == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(at)
}

/// Unmaps `room` reserved bytes, except `len` of them at `base`: the kernel may have unmapped these
/// and given their addresses to another thread.
///
/// # Safety
///
/// - [`reserve`] returned the first range, and the second lies within it.
/// - Nothing uses the rest of the first range.
unsafe fn give_up_around(reserved: *mut u8, room: usize, base: *mut u8, len: usize) {
    let before = base as usize - reserved as usize;
    let after = room - before - len;
    for (at, len) in [(reserved, before), (base.wrapping_add(len), after)] {
        if len != 0 {
            // SAFETY: By the caller's promise the range is reserved and unused.
            unsafe { munmap(at, len) };
        }
    }
}

/// The first address in `reserved` that is `shift` bytes off an address at which a 2 MiB entry
/// could map the file.
fn place(reserved: *mut u8, origin: u64, shift: usize) -> *mut u8 {
    let wanted = (origin as usize + shift) % HUGE;
    let ahead = (wanted + HUGE - reserved as usize % HUGE) % HUGE;
    reserved.wrapping_add(ahead)
}

impl View {
    /// Maps `len` bytes at `origin` of `file`, `shift` bytes off an address that suits 2 MiB
    /// entries.
    pub fn new(
        file: &File,
        origin: u64,
        len: usize,
        sharing: Sharing,
        prot: i32,
        shift: usize,
    ) -> io::Result<Self> {
        let room = len + 2 * HUGE;
        let reserved = reserve(room)?;
        let at = place(reserved, origin, shift);
        let flags = match sharing {
            Sharing::Shared => MAP_SHARED,
            Sharing::Private => MAP_PRIVATE,
            Sharing::Synchronous => MAP_SHARED_VALIDATE | MAP_SYNC,
        };
        // SAFETY: `place` returns an address less than `HUGE` from the start, so the range lies
        // within the addresses reserved above.
        let base = unsafe {
            mmap(
                at,
                len,
                prot,
                flags | MAP_FIXED,
                file.as_raw_fd(),
                origin as i64,
            )
        };
        if base as isize == -1 {
            let error = io::Error::last_os_error();
            // SAFETY: Reserved above, and not in use.
            unsafe { give_up_around(reserved, room, at, len) };
            return Err(error);
        }
        // INVARIANT: mmap() has made the mapping within the reserved addresses, and no other object
        // has these.
        Ok(Self {
            reserved,
            room,
            base,
            len,
            origin,
        })
    }

    /// The address of byte `off`. Panics unless `len` bytes are mapped there.
    pub fn at(&self, off: usize, len: usize) -> *mut u8 {
        assert!(off + len <= self.len, "outside of the mapping");
        self.base.wrapping_add(off)
    }

    /// Stores `data` at `off`, the way memcpy does.
    pub fn store(&self, off: usize, data: &[u8]) {
        // SAFETY:
        // - `at` asserts that the range is in the mapping.
        // - No reference to the mapping exists, so `data` cannot overlap it.
        unsafe {
            std::ptr::copy_nonoverlapping(data.as_ptr(), self.at(off, data.len()), data.len())
        };
    }

    /// Loads from `off`, the way memcpy does.
    pub fn load(&self, off: usize, data: &mut [u8]) {
        // SAFETY:
        // - `at` asserts that the range is in the mapping.
        // - No reference to the mapping exists, so `data` cannot overlap it.
        unsafe {
            std::ptr::copy_nonoverlapping(self.at(off, data.len()), data.as_mut_ptr(), data.len())
        };
    }

    /// Stores one byte with a single instruction.
    pub fn poke(&self, off: usize, value: u8) {
        // SAFETY: `at` asserts that the byte is in the mapping.
        unsafe { self.at(off, 1).write_volatile(value) };
    }

    /// Loads one byte with a single instruction.
    pub fn peek(&self, off: usize) -> u8 {
        // SAFETY: `at` asserts that the byte is in the mapping.
        unsafe { self.at(off, 1).read_volatile() }
    }

    /// msync(2).
    pub fn sync(&self, off: usize, len: usize) -> io::Result<()> {
        // SAFETY: `at` asserts that the range is in the mapping.
        status(unsafe { msync(self.at(off, len), len, MS_SYNC) })
    }

    /// madvise(2).
    pub fn advise(&self, off: usize, len: usize, advice: i32) -> io::Result<()> {
        // SAFETY:
        // - `at` asserts that the range is in the mapping.
        // - The code assumes nothing about the content of the mapping.
        status(unsafe { madvise(self.at(off, len), len, advice) })
    }

    /// mprotect(2).
    pub fn protect(&self, off: usize, len: usize, prot: i32) -> io::Result<()> {
        // SAFETY:
        // - `at` asserts that the range is in the mapping.
        // - A later access without permission gets SIGSEGV, which ends the program.
        status(unsafe { mprotect(self.at(off, len), len, prot) })
    }

    /// mremap(2): moves the mapping to other addresses and makes it `len` bytes long.
    pub fn relocate(&mut self, len: usize, shift: usize) -> io::Result<()> {
        let room = len + 2 * HUGE;
        let reserved = reserve(room)?;
        let at = place(reserved, self.origin, shift);
        let flags = MREMAP_MAYMOVE | MREMAP_FIXED;
        // SAFETY:
        // - The source is the mapping of the type invariants, to which no reference exists.
        // - The target lies within the addresses reserved above.
        let base = unsafe { mremap(self.base, self.len, len, flags, at) };
        if base as isize == -1 {
            let error = io::Error::last_os_error();
            // SAFETY: Reserved above, and not in use.
            unsafe { give_up_around(reserved, room, at, len) };
            return Err(error);
        }
        // SAFETY:
        // - By the type invariants `reserve` returned these addresses, and the mapping lay in them.
        // - mremap() has moved the mapping, so nothing uses them.
        unsafe { give_up_around(self.reserved, self.room, self.base, self.len) };
        // INVARIANT: The kernel has moved the mapping to `base`, within the new reserved addresses.
        (self.reserved, self.room, self.base, self.len) = (reserved, room, base, len);
        Ok(())
    }

    /// The mapped regions of `len` bytes at `off`, by the page tables.
    pub fn regions(&self, off: usize, len: usize) -> io::Result<Vec<Region>> {
        const PRESENT: u64 = 1 << 3;
        let mapped = Scan {
            flags: 0,
            mask: PRESENT,
            wanted: 0x1ff,
        };
        self.scan(off, len, mapped)
    }

    /// The regions of `len` bytes at `off` that `scan` asks for.
    pub fn scan(&self, off: usize, len: usize, scan: Scan) -> io::Result<Vec<Region>> {
        let file = File::open("/proc/self/pagemap")?;
        let start = self.at(off, len) as u64;
        // struct page_region: start, end, categories
        let mut found = vec![[0u64; 3]; len / PAGE + 1];
        // struct pm_scan_arg: size, flags, start, end, walk_end, vec, vec_len, max_pages,
        // category_inverted, category_mask, category_anyof_mask, return_mask
        let mut arg = [
            96,
            scan.flags,
            start,
            start + len as u64,
            0,
            found.as_mut_ptr() as u64,
            found.len() as u64,
            0,
            0,
            scan.mask,
            0,
            scan.wanted,
        ];
        // SAFETY: The argument is a struct pm_scan_arg, and points to a vector of `vec_len`
        // regions.
        let n = count(unsafe { ioctl(file.as_raw_fd(), PAGEMAP_SCAN, arg.as_mut_ptr()) } as isize)?;
        let region = |r: &[u64; 3]| Region {
            start: (r[0] - start) as usize + off,
            len: (r[1] - r[0]) as usize,
            categories: r[2],
        };
        Ok(found[..n].iter().map(region).collect())
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: By the type invariants this object owns these addresses, and no reference to them
        // exists.
        unsafe { munmap(self.reserved, self.room) };
    }
}

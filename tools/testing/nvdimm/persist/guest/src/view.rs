// SPDX-License-Identifier: GPL-2.0

//! A memory mapping of a file, and the instructions that make stores to it durable.

use std::arch::asm;
use std::arch::x86_64::_mm_sfence;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::mm::{mmap, msync, munmap, MapFlags, MsyncFlags, ProtFlags};

use crate::{Lost, NoAnswer};

pub const LINE: usize = 64;
pub const PAGE: usize = 4096;

/// A shared mapping.
pub struct View {
    start: *mut u8,
    len: usize,
    /// The file offset of its first byte.
    origin: usize,
}

impl View {
    pub fn new(file: &File, off: usize, len: usize) -> io::Result<Self> {
        Self::with(file, off, len, MapFlags::SHARED)
    }

    /// Maps with `MAP_SYNC`, so that stores need no fsync.
    pub fn synchronous(file: &File, off: usize, len: usize) -> io::Result<Self> {
        Self::with(file, off, len, MapFlags::SHARED_VALIDATE | MapFlags::SYNC)
    }

    fn with(file: &File, off: usize, len: usize, flags: MapFlags) -> io::Result<Self> {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: The address hint is null, so the kernel chooses an unused range of addresses.
        let start = unsafe { mmap(std::ptr::null_mut(), len, prot, flags, file, off as u64)? };
        Ok(Self {
            start: start.cast(),
            len,
            origin: off,
        })
    }

    fn at(&self, off: usize, len: usize) -> *mut u8 {
        assert!(off <= self.len && len <= self.len - off);
        // SAFETY: The assertion keeps the offset within the mapping.
        unsafe { self.start.add(off) }
    }

    pub fn store(&self, off: usize, data: &[u8]) {
        let to = self.at(off, data.len());
        for (n, byte) in data.iter().enumerate() {
            // SAFETY:
            // - `at` asserts that the range is in the mapping.
            // - No reference to the mapping exists, as other tasks may change it.
            unsafe { to.add(n).write_volatile(*byte) };
        }
    }

    pub fn load(&self, off: usize) -> u8 {
        // SAFETY: `at` asserts that the byte is in the mapping.
        unsafe { self.at(off, 1).read_volatile() }
    }

    /// Writes back each line with `clwb`.
    pub fn write_back(&self, off: usize, len: usize) {
        let first = off / LINE * LINE;
        for line in (first..off + len).step_by(LINE) {
            let line = self.at(line, 0);
            // SAFETY:
            // - `at` asserts that the line is in the mapping, and `clwb` changes no memory.
            // - The emulated CPU has the instruction (`-cpu max`).
            unsafe { asm!("clwb [{}]", in(reg) line, options(nostack, preserves_flags)) };
        }
    }

    pub fn fence() {
        // SAFETY: Every x86-64 CPU has SSE.
        unsafe { _mm_sfence() };
    }

    pub fn sync(&self, off: usize, len: usize) -> io::Result<()> {
        // SAFETY: `at` asserts that the range is in the mapping.
        unsafe { msync(self.at(off, len).cast(), len, MsyncFlags::SYNC)? };
        Ok(())
    }

    /// The physical address of a byte of the view.
    pub fn physical(&self, off: usize) -> io::Result<u64> {
        self.load(off);
        let address = self.at(off, 1) as u64;
        let mut entry = [0; 8];
        let at = address / PAGE as u64 * size_of_val(&entry) as u64;
        File::open("/proc/self/pagemap")?.read_exact_at(&mut entry, at)?;
        match u64::from_le_bytes(entry) & ((1 << 55) - 1) {
            0 => Err(io::Error::other(
                "pagemap shows physical addresses only to root",
            )),
            frame => Ok(frame * PAGE as u64 + address % PAGE as u64),
        }
    }

    /// The lines of a range that a power cut would lose.
    pub fn lost(&self, off: usize, len: usize) -> Result<Vec<Lost>, NoAnswer> {
        let start = self.at(off, len);
        for page in (0..len).step_by(PAGE).chain([len - 1]) {
            // The load makes the kernel map the page.
            // SAFETY: `at` asserts that all `len` bytes are in the mapping.
            unsafe { start.add(page).read_volatile() };
        }
        crate::locate(start, (self.origin + off) as u64);
        crate::check(start, len)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: `self` owns the mapping, and no references to it exist.
        let _ = unsafe { munmap(self.start.cast(), self.len) };
    }
}

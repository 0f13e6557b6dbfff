// SPDX-License-Identifier: GPL-2.0

//! An io_uring that does one transfer at a time.

use super::view::View;
use super::{count, IoVec};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

const IO_URING_SETUP: i64 = 425;
const IO_URING_ENTER: i64 = 426;
const IO_URING_REGISTER: i64 = 427;
const REGISTER_BUFFERS: usize = 0;
const ENTER_GETEVENTS: usize = 1;
const OFF_SQES: i64 = 0x1000_0000;
const ENTRIES: usize = 4;
/// The size of the mapping of the rings, enough for `ENTRIES` entries.
const RINGS: usize = 4096;
/// The size of `ENTRIES` submission entries of 64 bytes, in whole pages.
const SQES: usize = 4096;
const PROT_READ_WRITE: i32 = 3;
const MAP_SHARED_POPULATE: i32 = 0x8001;

extern "C" {
    fn syscall(number: i64, ...) -> i64;
    fn mmap(addr: *mut u8, len: usize, prot: i32, flags: i32, fd: i32, off: i64) -> *mut u8;
    fn munmap(addr: *mut u8, len: usize) -> i32;
}

/// The direction of a transfer, seen from the file.
#[derive(Clone, Copy)]
pub enum Transfer {
    Read = 22,
    Write = 23,
}

/// # Invariants
///
/// `rings` and `sqes` are the mappings of the ring `fd`, of `RINGS` and `SQES` bytes, which this
/// object owns. `params` is the kernel's `struct io_uring_params` for the ring.
pub struct Ring {
    fd: OwnedFd,
    params: [u32; 30],
    rings: *mut u8,
    sqes: *mut u8,
}

// SAFETY: The descriptor and the mappings belong to no thread, so the object may move to another.
unsafe impl Send for Ring {}

impl Ring {
    pub fn new() -> io::Result<Self> {
        let mut params = [0u32; 30];
        // SAFETY: `params` has the size of struct io_uring_params, 120 bytes.
        let fd = count(unsafe { syscall(IO_URING_SETUP, ENTRIES, params.as_mut_ptr()) } as isize)?;
        // SAFETY: The call above has just made the descriptor, so nothing else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        let map = |len, off| {
            // SAFETY: The address hint is null, so the kernel maps unused addresses.
            let base = unsafe {
                mmap(
                    std::ptr::null_mut(),
                    len,
                    PROT_READ_WRITE,
                    MAP_SHARED_POPULATE,
                    fd.as_raw_fd(),
                    off,
                )
            };
            match base as isize {
                -1 => Err(io::Error::last_os_error()),
                _ => Ok(base),
            }
        };
        let (rings, sqes) = (map(RINGS, 0)?, map(SQES, OFF_SQES)?);
        // INVARIANT: mmap() has made both mappings of `fd`, and no other object has their
        // addresses.
        Ok(Self {
            fd,
            params,
            rings,
            sqes,
        })
    }

    /// Registers a piece of a mapping as a fixed buffer: the kernel wants to pin its pages
    /// long-term.
    pub fn register(&self, view: &View, off: usize, len: usize) -> io::Result<()> {
        let iov = IoVec {
            base: view.at(off, len),
            len,
        };
        // SAFETY:
        // - `iov` is one vector, and the count is 1.
        // - `at` asserts that its range is in the mapping.
        let ret = unsafe {
            syscall(
                IO_URING_REGISTER,
                self.fd.as_raw_fd(),
                REGISTER_BUFFERS,
                &raw const iov,
                1usize,
            )
        };
        count(ret as isize).map(|_| ())
    }

    /// A counter or an index of the rings, which the kernel placed `off` bytes into them.
    fn word(&self, off: u32) -> &AtomicU32 {
        // SAFETY:
        // - By the type invariants `rings` is a mapping that lives as long as `self`.
        // - The callers pass the kernel's offsets, which are within the rings and aligned.
        // - The kernel and this program access these words only atomically.
        unsafe { AtomicU32::from_ptr(self.rings.add(off as usize).cast()) }
    }

    /// Transfers between a piece of a mapping and a file; waits for the end.
    pub fn transfer(
        &mut self,
        way: Transfer,
        view: &View,
        start: usize,
        len: usize,
        file: &File,
        off: u64,
    ) -> io::Result<usize> {
        // struct io_sqring_offsets begins at word 10, struct io_cqring_offsets at word 20
        let [sq_tail, sq_mask, sq_array] = [self.params[11], self.params[12], self.params[16]];
        let [cq_head, cq_mask, cqes] = [self.params[20], self.params[22], self.params[25]];
        let tail = self.word(sq_tail).load(Ordering::Relaxed);
        let index = tail & self.word(sq_mask).load(Ordering::Relaxed);
        // opcode and fd, off, addr, len and flags, user_data
        let sqe = [
            way as u64 | ((file.as_raw_fd() as u64) << 32),
            off,
            view.at(start, len) as u64,
            len as u64,
            0,
            0,
            0,
            0,
        ];
        // SAFETY:
        // - The index is masked, so the entry lies within `sqes`, which the type invariants keep
        //   mapped.
        // - The kernel does not access the entry before the tail moves.
        unsafe { self.sqes.cast::<[u64; 8]>().add(index as usize).write(sqe) };
        self.word(sq_array + 4 * index)
            .store(index, Ordering::Relaxed);
        self.word(sq_tail)
            .store(tail.wrapping_add(1), Ordering::Release);
        // SAFETY:
        // - The call takes no pointers, as there is no signal mask.
        // - `at` asserts that the buffer of the entry is in the mapping, to which no reference
        //   exists.
        let ret = unsafe {
            syscall(
                IO_URING_ENTER,
                self.fd.as_raw_fd(),
                1usize,
                1usize,
                ENTER_GETEVENTS,
                0usize,
                0usize,
            )
        };
        count(ret as isize)?;
        let head = self.word(cq_head).load(Ordering::Acquire);
        let at = head & self.word(cq_mask).load(Ordering::Relaxed);
        // struct io_uring_cqe: user_data, res, flags
        let res = self.word(cqes + 16 * at + 8).load(Ordering::Relaxed) as i32;
        self.word(cq_head)
            .store(head.wrapping_add(1), Ordering::Release);
        usize::try_from(res).map_err(|_| io::Error::from_raw_os_error(-res))
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: By the type invariants this object owns the mappings.
        unsafe {
            munmap(self.rings, RINGS);
            munmap(self.sqes, SQES);
        }
    }
}

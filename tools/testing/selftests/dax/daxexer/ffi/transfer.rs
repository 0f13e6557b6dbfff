// SPDX-License-Identifier: GPL-2.0

//! Transfers with a [`View`] as source or target: the kernel references its pages.

use super::view::View;
use super::{count, status, IoVec};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const F_SETPIPE_SZ: i32 = 1031;

extern "C" {
    fn pread(fd: i32, buf: *mut u8, len: usize, off: i64) -> isize;
    fn pwrite(fd: i32, buf: *const u8, len: usize, off: i64) -> isize;
    fn pipe2(fds: *mut i32, flags: i32) -> i32;
    fn fcntl(fd: i32, command: i32, arg: i32) -> i32;
    fn vmsplice(fd: i32, iov: *const IoVec, n: usize, flags: u32) -> isize;
    fn process_vm_readv(
        pid: i32,
        local: *const IoVec,
        locals: usize,
        remote: *const IoVec,
        remotes: usize,
        flags: usize,
    ) -> isize;
    fn process_vm_writev(
        pid: i32,
        local: *const IoVec,
        locals: usize,
        remote: *const IoVec,
        remotes: usize,
        flags: usize,
    ) -> isize;
}

/// Makes a pipe; returns its read end and its write end.
pub fn pipe(len: usize) -> io::Result<(File, File)> {
    let mut fds = [0; 2];
    // SAFETY: `fds` has room for two descriptors.
    status(unsafe { pipe2(fds.as_mut_ptr(), 0) })?;
    // SAFETY: The call above has just made the descriptors, so nothing else owns them.
    let [read, write] = fds.map(|fd| File::from(unsafe { OwnedFd::from_raw_fd(fd) }));
    // SAFETY: F_SETPIPE_SZ takes no pointer, and `write` keeps the descriptor open.
    count(unsafe { fcntl(write.as_raw_fd(), F_SETPIPE_SZ, len as i32) } as isize)?;
    Ok((read, write))
}

impl View {
    fn iovec(&self, off: usize, len: usize) -> IoVec {
        IoVec {
            base: self.at(off, len),
            len,
        }
    }

    /// pwrite(2) from the mapping into `file`.
    pub fn send(&self, start: usize, len: usize, file: &File, off: u64) -> io::Result<usize> {
        // SAFETY: `at` asserts that the range is in the mapping, and the kernel only reads it.
        count(unsafe { pwrite(file.as_raw_fd(), self.at(start, len), len, off as i64) })
    }

    /// pread(2) from `file` into the mapping.
    pub fn receive(&self, start: usize, len: usize, file: &File, off: u64) -> io::Result<usize> {
        // SAFETY:
        // - `at` asserts that the range is in the mapping.
        // - No reference to the mapping exists.
        count(unsafe { pread(file.as_raw_fd(), self.at(start, len), len, off as i64) })
    }

    /// vmsplice(2): the pipe references the pages until a reader has taken them.
    pub fn splice(&self, off: usize, len: usize, pipe: &File) -> io::Result<usize> {
        let iov = self.iovec(off, len);
        // SAFETY:
        // - `iov` is one vector, and the count is 1.
        // - `at` asserts that its range is in the mapping; the kernel only reads it.
        count(unsafe { vmsplice(pipe.as_raw_fd(), &iov, 1, 0) })
    }

    /// process_vm_readv(2) from the mapping: a page that cannot be faulted in is an error, no
    /// signal.
    pub fn copy_out(&self, off: usize, data: &mut [u8]) -> io::Result<usize> {
        let local = IoVec {
            base: data.as_mut_ptr(),
            len: data.len(),
        };
        let remote = self.iovec(off, data.len());
        let pid = std::process::id() as i32;
        // SAFETY:
        // - `local` and `remote` are one vector each, and the counts are 1.
        // - `local` is all of `data`, which is borrowed exclusively.
        // - `at` asserts that the range of `remote` is in the mapping; the kernel only reads it.
        count(unsafe { process_vm_readv(pid, &local, 1, &remote, 1, 0) })
    }

    /// process_vm_writev(2) into the mapping.
    pub fn copy_in(&self, off: usize, data: &[u8]) -> io::Result<usize> {
        let local = IoVec {
            base: data.as_ptr().cast_mut(),
            len: data.len(),
        };
        let remote = self.iovec(off, data.len());
        let pid = std::process::id() as i32;
        // SAFETY:
        // - `local` and `remote` are one vector each, and the counts are 1.
        // - `local` is all of `data`, which the kernel only reads.
        // - `at` asserts that the range of `remote` is in the mapping, to which no reference
        //   exists.
        count(unsafe { process_vm_writev(pid, &local, 1, &remote, 1, 0) })
    }
}

// SPDX-License-Identifier: GPL-2.0

//! fs-verity.

use super::status;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// `_IOW('f', 133, struct fsverity_enable_arg)`.
const FS_IOC_ENABLE_VERITY: u64 = 0x4080_6685;
const VERSION: u64 = 1;
const SHA256: u64 = 1;
const BLOCK: u64 = 4096;

extern "C" {
    fn ioctl(fd: i32, request: u64, arg: *mut u64) -> i32;
}

/// Makes a file read-only for ever, and has the kernel verify what it reads of it. No process may have
/// it open for writing.
pub fn enable_verity(file: &File) -> io::Result<()> {
    // struct fsverity_enable_arg: version, hash_algorithm, block_size of 32 bits each; no salt and no
    // signature
    let mut arg = [0; 16];
    arg[..2].copy_from_slice(&[SHA256 << 32 | VERSION, BLOCK]);
    // SAFETY: `arg` has the size and the layout of the structure, which the kernel reads.
    status(unsafe { ioctl(file.as_raw_fd(), FS_IOC_ENABLE_VERITY, arg.as_mut_ptr()) })
}

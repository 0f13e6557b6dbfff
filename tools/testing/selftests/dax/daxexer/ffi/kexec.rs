// SPDX-License-Identifier: GPL-2.0

//! Starts another kernel in the place of this one.

use super::status;
use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

const SYS_KEXEC_FILE_LOAD: i64 = 320;
const RB_KEXEC: i32 = 0x4558_4543;

extern "C" {
    fn syscall(number: i64, ...) -> i64;
    fn reboot(command: i32) -> i32;
}

/// Loads a kernel with its initramfs and its command line.
pub fn load(kernel: &File, initrd: &File, command_line: &CStr) -> io::Result<()> {
    // SAFETY: The command line has that many bytes, the NUL included, and the kernel copies it.
    let done = unsafe {
        syscall(
            SYS_KEXEC_FILE_LOAD,
            kernel.as_raw_fd(),
            initrd.as_raw_fd(),
            command_line.count_bytes() + 1,
            command_line.as_ptr(),
            0u64,
        )
    };
    status(done as i32)
}

/// Shuts all devices down, without a sync, and jumps to the loaded kernel. Returns only an error.
pub fn jump() -> io::Error {
    // SAFETY: The call takes a number.
    match status(unsafe { reboot(RB_KEXEC) }) {
        Err(error) => error,
        Ok(()) => io::Error::other("the kernel goes on"),
    }
}

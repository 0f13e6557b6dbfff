// SPDX-License-Identifier: GPL-2.0

//! The DAX core: devices whose memory is read and written in place.
//!
//! Drivers (pmem, device-mapper, virtiofs, device-dax) register devices; filesystems find them
//! through their host and reach the memory through them. Callers of the core are in C: `abi` has its
//! C symbols, which `exports.c` exports, and `sys` the machinery over C that is the core's own. All
//! other files are safe code.
//!
//! # Locks
//!
//! - The SRCU domain (`liveness`): around everything that depends on a device being alive. A task
//!   inside may take any other lock, unless a task that waits for the domain holds it (killing a
//!   device, clearing its operations).
//! - The mutex of the `sys::tables`: innermost. The last reference to a device is never dropped
//!   under it, because destroying a device takes it.
//!
//! Flags, operations and the holder of a device are atomic.

// Without filesystem DAX no caller claims a device or looks one up by its disk.
#![cfg_attr(not(CONFIG_FS_DAX), allow(dead_code))]

mod abi;
mod access;
mod debugfs;
mod device;
mod holder;
#[cfg(CONFIG_FS_DAX)]
mod holding;
mod host;
mod init;
mod life;
mod liveness;
mod lookup;
mod notify;
mod numbers;
mod ops;
mod pages;
mod sys;
#[cfg(CONFIG_KUNIT = "y")]
mod test;

/// The prefix of messages in the log.
const __LOG_PREFIX: &[u8] = b"dax\0";

kernel_ext::compat::built_in!(c"dax");

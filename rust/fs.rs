// SPDX-License-Identifier: GPL-2.0

//! Filesystems.

#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod inode;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod kiocb;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod mapping;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod writeback;

use crate::bindings;

/// The mode of a character device's inode.
pub const S_IFCHR: u16 = bindings::S_IFCHR as u16;

/// The flag of inodes whose memory is accessed in place, without a page cache.
pub const S_DAX: u32 = bindings::S_DAX;

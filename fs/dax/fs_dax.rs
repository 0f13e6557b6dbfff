// SPDX-License-Identifier: GPL-2.0

//! Filesystem-DAX: files whose pages are the memory of a DAX device.
//!
//! A filesystem that is mounted with `-o dax` hands its reads, writes, page faults and writeback to
//! this code, which asks the filesystem through iomap where the bytes of a file are, and the DAX
//! device for their address. The `i_pages` of the file have an entry for each page that is mapped
//! or dirty.
//!
//! C calls `abi`; `sys` is machinery over C. All other modules are safe code.

mod abi;
mod access;
mod cow;
mod dedupe;
mod failure;
mod fault;
mod layout;
mod memory;
mod new_blocks;
mod rw;
mod slot;
mod span;
mod sys;
mod unshare;
mod writeback;
mod zero;

/// The prefix of messages.
const __LOG_PREFIX: &[u8] = b"fs_dax\0";

// SPDX-License-Identifier: GPL-2.0

//! Filesystem-DAX: files whose pages are the memory of a DAX device.
//!
//! A filesystem that is mounted with `-o dax` hands its reads, writes, page faults and writeback to
//! this code, which asks the filesystem through iomap where the bytes of a file are, and the DAX
//! device for their address. What is mapped, and what is dirty, is in the `i_pages` of the file.

mod abi;
mod access;
mod cow;
mod dedupe;
mod entry;
mod failure;
mod fault;
mod ffi;
mod folio;
mod layout;
mod rw;
mod slot;
mod span;
mod trace;
mod unshare;
mod writeback;
mod zero;

/// What messages start with.
const __LOG_PREFIX: &[u8] = b"fs_dax\0";

// SPDX-License-Identifier: GPL-2.0

//! Every C symbol of filesystem-DAX: convert, check, call.
//!
//! The headers of the kernel declare these functions, and filesystems and memory management call
//! them. Each turns the pointers of its caller into types of Rust, which is what its `# Safety`
//! section is for, and calls safe code.

mod dedupe;
mod failure;
mod fault;
mod folio;
mod init;
mod layout;
mod rw;
mod unshare;
mod writeback;
mod zero;

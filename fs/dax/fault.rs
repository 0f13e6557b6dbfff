// SPDX-License-Identifier: GPL-2.0

//! Page faults: mapping the memory of a DAX device, where a file has its data.
//!
//! A fault is for one page (PTE) or for 2 MiB (PMD), and takes the same path for both:
//!
//! 1. It must be inside of the file, and a huge one must fit ([`fit`]).
//! 2. The entry of the slot is locked, or made; so no other fault, and no writeback, is on the same
//!    memory. If a fault of the other size was faster, this one ends ([`run`]).
//! 3. The filesystem says where the bytes are. A hole is mapped as zeros ([`hole`]); storage is
//!    looked up, copied if other files share it, and put into the slot ([`extent`]).
//! 4. The memory is mapped. If that has to wait for a sync of the file, the frame is handed to the
//!    filesystem, which syncs and comes back ([`sync`]).
//!
//! A huge fault that fails at any point falls back: memory management then tries a small one.
//!
//! The filesystem holds the locks that keep the file from being truncated, or its extents from
//! being moved, under a fault. All of this may sleep.

mod extent;
mod fit;
mod hole;
mod oversized;
mod private;
mod request;
mod run;
mod sync;

pub(crate) use request::Report;
pub(crate) use run::handle;
pub(crate) use sync::finish;

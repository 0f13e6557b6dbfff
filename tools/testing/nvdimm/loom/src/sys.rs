// SPDX-License-Identifier: GPL-2.0

//! `fs/dax/sys` over loom instead of the kernel; entries and their locks are the real ones.

pub(crate) mod cursor;
#[path = "../../../../../fs/dax/sys/entry.rs"]
pub(crate) mod entry;
pub(crate) mod folio;
pub(crate) mod guard;
#[path = "../../../../../fs/dax/sys/lock.rs"]
pub(crate) mod lock;
pub(crate) mod mapping;
pub(crate) mod wait;

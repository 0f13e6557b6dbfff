// SPDX-License-Identifier: GPL-2.0

//! Disks whose driver takes whole bios, without request queues.

pub mod attr;
pub mod bio;
mod data;
pub mod disk;
pub mod segment;
pub mod status;

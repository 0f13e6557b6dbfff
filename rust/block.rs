// SPDX-License-Identifier: GPL-2.0

//! Disks whose driver takes whole bios, without request queues.

pub mod attr;
pub mod bio;
pub mod disk;

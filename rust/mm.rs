// SPDX-License-Identifier: GPL-2.0

//! Memory management: page faults, who maps a file, and the folios of DAX devices.

pub mod fault;
pub mod folio;
pub mod rmap;

// SPDX-License-Identifier: GPL-2.0

//! Memory management: page faults and the folios of DAX devices.

pub mod fault;
pub mod folio;

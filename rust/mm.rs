// SPDX-License-Identifier: GPL-2.0

//! Memory management: page faults, the areas that map a file, and folios.

pub mod fault;
pub mod folio;
pub mod rmap;

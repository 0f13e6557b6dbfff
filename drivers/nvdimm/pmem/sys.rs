// SPDX-License-Identifier: GPL-2.0

//! The driver's own machinery over C and raw memory: safe types, with unsafe code inside.

pub(crate) mod access;
pub(crate) mod layout;
mod lease;
pub(crate) mod memory;
pub(crate) mod pages;

// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! An address space is that of a file with DAX because safe code says so.

use crate::sys::mapping::DaxMapping;
use kernel_ext::fs::mapping::AddressSpace;

#[cfg(not(control))]
fn unchecked(mapping: &AddressSpace) -> &DaxMapping {
    DaxMapping::of_dax_file(mapping) //~ E0133
}

#[cfg(control)]
fn checked(mapping: &AddressSpace) -> Option<&DaxMapping> {
    DaxMapping::of(mapping)
}

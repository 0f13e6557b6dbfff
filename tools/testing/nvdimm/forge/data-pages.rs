// SPDX-License-Identifier: GPL-2.0

//! crate: nd_pmem
//!
//! Pages past the end are data of a pmem device.

use crate::{
    geometry::DataOffset,
    sys::memory::{
        DataPages,
        Memory, //
    },
};

#[cfg(not(control))]
fn unchecked(memory: &Memory, at: DataOffset) -> DataPages<'_> {
    DataPages {
        memory,    //~ E0451
        at,        //~ E0451
        pages: !0, //~ E0451
    }
}

#[cfg(control)]
fn checked(memory: &Memory, at: DataOffset) -> Option<DataPages<'_>> {
    memory.pages_from(at)
}

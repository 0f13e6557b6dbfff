// SPDX-License-Identifier: GPL-2.0

//! crate: nd_pmem
//!
//! Sectors of a pmem device are where nothing is mapped.

use crate::geometry::Geometry;
use kernel_ext::units::PhysRange;

#[cfg(not(control))]
fn unchecked(data: PhysRange) -> Geometry {
    Geometry {
        data,           //~ E0451
        data_bytes: !0, //~ E0451
        data_offset: 0, //~ E0451
        pad: 0,         //~ E0451
    }
}

#[cfg(control)]
fn checked(mapped: PhysRange) -> Option<Geometry> {
    Geometry::new(mapped.bytes(), mapped, 0)
}

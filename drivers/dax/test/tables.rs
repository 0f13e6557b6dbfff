// SPDX-License-Identifier: GPL-2.0

//! Tables of operations that do nothing.

use kernel::ffi::{
    c_int,
    c_long,
    c_ulong,
    c_void, //
};
use kernel_ext::bindings;

pub(super) type Table = bindings::dax_operations;
pub(super) type ExtTable = bindings::dax_operations_ext;

/// # Safety
///
/// There is no condition: it uses none of its arguments. C calls unsafe functions only.
unsafe extern "C" fn direct_access(
    _: *mut bindings::dax_device,
    _: c_ulong,
    nr_pages: c_long,
    _: bindings::dax_access_mode,
    _: *mut *mut c_void,
    _: *mut c_ulong,
) -> c_long {
    nr_pages
}

/// # Safety
///
/// There is no condition: it uses none of its arguments. C calls unsafe functions only.
unsafe extern "C" fn zero_page_range(_: *mut bindings::dax_device, _: c_ulong, _: usize) -> c_int {
    0
}

pub(super) static TABLE: Table = Table {
    direct_access: Some(direct_access),
    zero_page_range: Some(zero_page_range),
    recovery_write: None,
};

pub(super) static EXTENDED: ExtTable = ExtTable {
    base: TABLE,
    ..pin_init::zeroed()
};

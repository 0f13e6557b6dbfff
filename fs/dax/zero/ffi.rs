// SPDX-License-Identifier: GPL-2.0

//! The C symbols for zeroing.

use super::{
    truncate_page,
    zero_range, //
};
use kernel::{
    error::from_result,
    ffi::c_int, //
};
use kernel_ext::{
    bindings,
    fs::inode::Inode,
    iomap::Ops, //
};

kernel_ext::check_prototypes!(dax_truncate_page, dax_zero_range);

/// Zeroes `len` bytes of a file from `pos` on; sets `*did_zero` if there was something to zero.
///
/// # Safety
///
/// `inode` must be a file with DAX, `did_zero` NULL or valid for a write, and `ops` the complete
/// table of the filesystem. The caller keeps others from the range.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_zero_range(
    inode: *mut bindings::inode,
    pos: bindings::loff_t,
    len: bindings::loff_t,
    did_zero: *mut bool,
    ops: *const bindings::iomap_ops,
) -> c_int {
    let mut unwanted = false;
    // SAFETY: The caller ensures that all of them are valid.
    let (inode, did_zero, ops) = unsafe {
        (
            Inode::from_raw(inode),
            did_zero.as_mut().unwrap_or(&mut unwanted),
            Ops::from_raw(ops),
        )
    };
    from_result(|| zero_range(inode, pos as u64, len as u64, did_zero, ops).map(|()| 0))
}

/// Zeroes a file from `pos` to the end of its block; sets `*did_zero` if there was something to
/// zero.
///
/// # Safety
///
/// As for [`dax_zero_range`].
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_truncate_page(
    inode: *mut bindings::inode,
    pos: bindings::loff_t,
    did_zero: *mut bool,
    ops: *const bindings::iomap_ops,
) -> c_int {
    let mut unwanted = false;
    // SAFETY: The caller ensures that all of them are valid.
    let (inode, did_zero, ops) = unsafe {
        (
            Inode::from_raw(inode),
            did_zero.as_mut().unwrap_or(&mut unwanted),
            Ops::from_raw(ops),
        )
    };
    from_result(|| truncate_page(inode, pos as u64, did_zero, ops).map(|()| 0))
}

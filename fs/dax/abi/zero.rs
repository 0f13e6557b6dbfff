// SPDX-License-Identifier: GPL-2.0

//! The C symbols for zeroing.

use crate::zero::{
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

/// Zeroes `len` bytes of a file from `pos` on, and sets `*did_zero` if there was anything but a
/// hole or an unwritten extent.
///
/// # Safety
///
/// Until the function returns
///
/// - `inode` must be an initialised inode;
/// - `did_zero` must be NULL, or a `bool` that only this call uses;
/// - `ops` must be the complete table of the filesystem that the inode is on;
/// - the caller must keep others from the range, by the locks that the filesystem has for this.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_zero_range(
    inode: *mut bindings::inode,
    pos: bindings::loff_t,
    len: bindings::loff_t,
    did_zero: *mut bool,
    ops: *const bindings::iomap_ops,
) -> c_int {
    let mut unwanted = false;
    // SAFETY: The caller ensures that the inode is initialised until we return.
    let inode = unsafe { Inode::from_raw(inode) };
    // SAFETY: The caller ensures that a flag that is not NULL is valid and ours until we return.
    let did_zero = unsafe { did_zero.as_mut() }.unwrap_or(&mut unwanted);
    // SAFETY: The caller ensures that the table is complete until we return, and that it is the
    // table of the filesystem of the inode, the only one that it is used for.
    let ops = unsafe { Ops::from_raw(ops) };
    from_result(|| zero_range(inode, pos as u64, len as u64, did_zero, ops).map(|()| 0))
}

/// Zeroes a file from `pos` to the end of its block, and sets `*did_zero` if there was anything but
/// a hole or an unwritten extent.
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
    // SAFETY: The caller ensures that the inode is initialised until we return.
    let inode = unsafe { Inode::from_raw(inode) };
    // SAFETY: The caller ensures that a flag that is not NULL is valid and ours until we return.
    let did_zero = unsafe { did_zero.as_mut() }.unwrap_or(&mut unwanted);
    // SAFETY: The caller ensures that the table is complete until we return, and that it is the
    // table of the filesystem of the inode, the only one that it is used for.
    let ops = unsafe { Ops::from_raw(ops) };
    from_result(|| truncate_page(inode, pos as u64, did_zero, ops).map(|()| 0))
}

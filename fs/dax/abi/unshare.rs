// SPDX-License-Identifier: GPL-2.0

//! The C symbol for unsharing.

use crate::unshare::unshare;
use kernel::{
    error::from_result,
    ffi::c_int, //
};
use kernel_ext::{
    bindings,
    fs::inode::Inode,
    iomap::Ops, //
};

kernel_ext::check_prototypes!(dax_file_unshare);

/// Gives a file blocks of its own for `len` bytes from `pos` on.
///
/// # Safety
///
/// Until the function returns
///
/// - `inode` must be an initialised inode;
/// - `ops` must be the complete table of the filesystem that the inode is on;
/// - the caller must keep others from the range, by the locks that the filesystem has for this.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_file_unshare(
    inode: *mut bindings::inode,
    pos: bindings::loff_t,
    len: bindings::loff_t,
    ops: *const bindings::iomap_ops,
) -> c_int {
    // SAFETY: The caller ensures that the inode is initialised until we return.
    let inode = unsafe { Inode::from_raw(inode) };
    // SAFETY: The caller ensures that the table is complete until we return, and that it is the
    // table of the filesystem of the inode, the only one that it is used for.
    let ops = unsafe { Ops::from_raw(ops) };
    from_result(|| unshare(inode, pos, len, ops).map(|()| 0))
}

// SPDX-License-Identifier: GPL-2.0

//! The C symbol for unsharing.

use super::unshare;
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
/// `inode` must be a file with DAX, and `ops` the complete table of the filesystem. The caller keeps
/// others from the range.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_file_unshare(
    inode: *mut bindings::inode,
    pos: bindings::loff_t,
    len: bindings::loff_t,
    ops: *const bindings::iomap_ops,
) -> c_int {
    // SAFETY: The caller ensures that both are valid.
    let (inode, ops) = unsafe { (Inode::from_raw(inode), Ops::from_raw(ops)) };
    from_result(|| unshare(inode, pos, len, ops).map(|()| 0))
}

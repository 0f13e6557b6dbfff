// SPDX-License-Identifier: GPL-2.0

//! The C symbols for sharing blocks between files.

use crate::dedupe::{
    is_same,
    Position, //
};
use kernel::{
    error::from_result,
    ffi::{
        c_int,
        c_uint, //
    }, //
};
use kernel_ext::{
    bindings,
    fs::inode::Inode,
    iomap::Ops, //
};

kernel_ext::check_prototypes!(dax_dedupe_file_range_compare, dax_remap_file_range_prep);

/// Compares `len` bytes of two files, returns 0, and sets `*same` to whether they are the same.
///
/// # Safety
///
/// Until the function returns
///
/// - `src` and `dst` must be initialised inodes of one filesystem;
/// - `same` must be a `bool` that only this call uses;
/// - `ops` must be the complete table of the filesystem;
/// - the caller must keep others from writing to the ranges, by the locks that the filesystem has
///   for this.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_dedupe_file_range_compare(
    src: *mut bindings::inode,
    srcoff: bindings::loff_t,
    dst: *mut bindings::inode,
    dstoff: bindings::loff_t,
    len: bindings::loff_t,
    same: *mut bool,
    ops: *const bindings::iomap_ops,
) -> c_int {
    // SAFETY: The caller ensures that both inodes are initialised until we return.
    let (src, dst) = unsafe { (Inode::from_raw(src), Inode::from_raw(dst)) };
    // SAFETY: The caller ensures that the flag is valid and ours until we return.
    let same = unsafe { &mut *same };
    // SAFETY: The caller ensures that the table is complete until we return, and that it is the
    // table of the filesystem of both inodes, the only ones that it is used for.
    let ops = unsafe { Ops::from_raw(ops) };
    let src = Position::new(src, srcoff as u64);
    let dst = Position::new(dst, dstoff as u64);
    from_result(|| {
        *same = is_same(src, dst, len as u64, ops)?;
        Ok(0)
    })
}

/// Checks that two files may share blocks, and for a deduplication that the ranges are the same.
/// Shortens `*len` to the number of bytes that may be shared.
///
/// # Safety
///
/// Until the function returns
///
/// - `file_in` and `file_out` must be open files of one filesystem;
/// - `len` must be a number that only this call uses;
/// - `ops` must be the complete table of the filesystem;
/// - the caller must keep others from writing to the ranges, by the locks that the filesystem has
///   for this.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_remap_file_range_prep(
    file_in: *mut bindings::file,
    pos_in: bindings::loff_t,
    file_out: *mut bindings::file,
    pos_out: bindings::loff_t,
    len: *mut bindings::loff_t,
    remap_flags: c_uint,
    ops: *const bindings::iomap_ops,
) -> c_int {
    // SAFETY: The conditions of the function are those of this one, which the caller ensures. It
    // passes `ops`, and the inodes of the files, to `dax_dedupe_file_range_compare()` alone, whose
    // conditions follow from them.
    unsafe {
        bindings::__generic_remap_file_range_prep(
            file_in,
            pos_in,
            file_out,
            pos_out,
            len,
            remap_flags,
            ops,
        )
    }
}

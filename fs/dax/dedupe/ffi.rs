// SPDX-License-Identifier: GPL-2.0

//! The C symbols for sharing blocks between files.

use super::{
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

/// Compares `len` bytes of two files; returns 0 and says in `*same` whether they are the same.
///
/// # Safety
///
/// `src` and `dst` must be files with DAX of one filesystem, `same` must be valid for a write, and
/// `ops` must be the complete table of the filesystem. The caller keeps others from writing to the
/// ranges.
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
    // SAFETY: The caller ensures that all of them are valid.
    let (src, dst, same, ops) = unsafe {
        (
            Inode::from_raw(src),
            Inode::from_raw(dst),
            &mut *same,
            Ops::from_raw(ops),
        )
    };
    let (src, dst) = (
        Position {
            inode: src,
            pos: srcoff as u64,
        },
        Position {
            inode: dst,
            pos: dstoff as u64,
        },
    );
    from_result(|| {
        *same = is_same(src, dst, len as u64, ops)?;
        Ok(0)
    })
}

/// Checks that two files may share blocks, and for a deduplication that the ranges are the same;
/// `*len` becomes the number of bytes that may.
///
/// # Safety
///
/// As for `__generic_remap_file_range_prep()`: the files are open, `len` is valid, `ops` is the
/// complete table of their filesystem, and the caller has both inodes locked.
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
    // SAFETY: The caller ensures what the function asks for. It calls
    // `dax_dedupe_file_range_compare()` with `ops`.
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

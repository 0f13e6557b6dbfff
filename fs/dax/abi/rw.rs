// SPDX-License-Identifier: GPL-2.0

//! The C symbol for reading and writing.

use crate::rw::{
    read,
    write, //
};
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*, //
};
use kernel_ext::{
    bindings,
    fs::kiocb::Kiocb,
    iomap::Ops,
    warn_on_once, //
};

kernel_ext::check_prototypes!(dax_iomap_rw);

/// Reads or writes, as the direction of `iter` says, from the position of `iocb` on, and moves the
/// position behind the last byte that was transferred.
///
/// Returns the number of bytes, or an error if there are none. An atomic write fails with `-EIO`:
/// DAX cannot write atomically.
///
/// # Safety
///
/// Until the function returns
///
/// - `iocb` must be an initialised request for an open file, which only this call uses;
/// - `iter` must be an initialised iterator, which only this call uses, and the memory that it
///   describes must be there to be read or written, as its direction says, by the functions of C
///   for iterators;
/// - `ops` must be the complete table of the filesystem that the file is on;
/// - the caller must hold the lock of the inode, unless it reads and the filesystem is read-only.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_iomap_rw(
    iocb: *mut bindings::kiocb,
    iter: *mut bindings::iov_iter,
    ops: *const bindings::iomap_ops,
) -> isize {
    // SAFETY: The caller ensures that the request is one for an open file and ours until we return.
    let iocb = unsafe { Kiocb::from_raw(iocb) };
    // SAFETY: The caller ensures that the table is complete until we return, and that it is the
    // table of the filesystem of the file, the only one that it is used for.
    let ops = unsafe { Ops::from_raw(ops) };
    if warn_on_once!(iocb.is_atomic()) {
        return EIO.to_errno() as isize;
    }
    // SAFETY: The caller ensures that the iterator is initialised.
    let is_write = u32::from(unsafe { (*iter).data_source }) == bindings::ITER_SOURCE;
    let result = if is_write {
        // SAFETY:
        // - The caller ensures that the iterator is initialised and ours until we return.
        // - It is a source, as just read.
        // - The caller ensures that its memory may be read.
        write(iocb, unsafe { IovIterSource::from_raw(iter) }, ops)
    } else {
        // SAFETY:
        // - The caller ensures that the iterator is initialised and ours until we return.
        // - It is no source, so it is a destination.
        // - The caller ensures that its memory may be written.
        read(iocb, unsafe { IovIterDest::from_raw(iter) }, ops)
    };
    match result {
        // CAST: The length of an iterator is at most `MAX_RW_COUNT`.
        Ok(done) => done as isize,
        Err(e) => e.to_errno() as isize,
    }
}

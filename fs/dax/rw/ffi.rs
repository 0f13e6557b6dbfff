// SPDX-License-Identifier: GPL-2.0

//! The C symbol for reading and writing.

use super::{
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

/// Reads or writes, as `iter` says, from the position of `iocb` on, and moves it on.
///
/// Returns the number of bytes, or an error if there are none: `-EIO` also for an atomic write,
/// which is impossible.
///
/// # Safety
///
/// `iocb` must be a request for an open file with DAX, `iter` the valid memory for it, nobody else
/// may use both, and `ops` must be the complete table of its filesystem. The caller holds the
/// inode's lock, unless it reads from a read-only filesystem.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_iomap_rw(
    iocb: *mut bindings::kiocb,
    iter: *mut bindings::iov_iter,
    ops: *const bindings::iomap_ops,
) -> isize {
    // SAFETY: The caller ensures that all of them are valid.
    let (iocb, ops, is_write) = unsafe {
        (
            Kiocb::from_raw(iocb),
            Ops::from_raw(ops),
            u32::from((*iter).data_source) == bindings::ITER_SOURCE,
        )
    };
    if warn_on_once!(iocb.is_atomic()) {
        return EIO.to_errno() as isize;
    }
    let result = if is_write {
        // SAFETY: The caller ensures that it is valid, and ours; it is a source.
        write(iocb, unsafe { IovIterSource::from_raw(iter) }, ops)
    } else {
        // SAFETY: The caller ensures that it is valid, and ours; it is a destination.
        read(iocb, unsafe { IovIterDest::from_raw(iter) }, ops)
    };
    match result {
        // CAST: The length of an iterator is at most `MAX_RW_COUNT`.
        Ok(done) => done as isize,
        Err(e) => e.to_errno() as isize,
    }
}

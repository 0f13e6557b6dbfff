// SPDX-License-Identifier: GPL-2.0

//! Calls to the holders of devices.

use super::object::as_raw;
use crate::liveness::AliveDax;
use kernel::{
    error::to_result,
    ffi::c_int,
    prelude::*, //
};
use kernel_ext::{
    bindings,
    error::eopnotsupp, //
};

/// A failure of memory, as its holder is told.
pub(crate) struct Failure {
    /// The first byte of the device that failed.
    offset: u64,
    /// The number of bytes.
    len: u64,
    /// `MF_*` of memory failure handling.
    mf_flags: c_int,
}

impl Failure {
    /// All of the device is about to be removed.
    pub(crate) const REMOVAL: Self = Self {
        offset: 0,
        len: u64::MAX,
        mf_flags: bindings::mf_flags_MF_MEM_PRE_REMOVE as c_int,
    };

    /// A failure of `len` bytes at `offset`.
    pub(crate) const fn new(offset: u64, len: u64, mf_flags: c_int) -> Self {
        Self {
            offset,
            len,
            mf_flags,
        }
    }
}

impl AliveDax<'_> {
    /// Tells the holder of `failure`. Fails with `EOPNOTSUPP` if there is no holder with such an
    /// operation, else as the holder says.
    pub(crate) fn tell_holder(self, failure: &Failure) -> Result {
        // SAFETY: The device was alive in an SRCU section that lasts as long as `self`.
        let ops = unsafe { self.holder.ops.load_acquire() };
        let notify = ops
            .and_then(|ops| ops.0.notify_failure)
            .ok_or_else(eopnotsupp)?;
        let &Failure {
            offset,
            len,
            mf_flags,
        } = failure;
        // SAFETY:
        // - The device is alive in our SRCU section, and the table was lent to it.
        // - The operation has no other requirement.
        to_result(unsafe { notify(as_raw(&self), offset, len, mf_flags) })
    }
}

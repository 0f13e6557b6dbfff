// SPDX-License-Identifier: GPL-2.0

//! Results of block I/O.
//!
//! C header: [`include/linux/blk_types.h`](srctree/include/linux/blk_types.h)

use crate::bindings;
use kernel::prelude::*;

/// How a bio ended (`blk_status_t`).
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::block::status::Status;
///
/// assert!(Status::OK.is_ok());
/// assert_eq!(Status::from(EIO), Status::IOERR);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Status(pub(super) bindings::blk_status_t);

impl Status {
    /// Success.
    pub const OK: Self = Self(bindings::BLK_STS_OK as bindings::blk_status_t);
    /// An I/O error.
    pub const IOERR: Self = Self(bindings::BLK_STS_IOERR);

    /// Whether the bio succeeded.
    #[inline]
    pub const fn is_ok(self) -> bool {
        self.0 == Self::OK.0
    }
}

impl From<Error> for Status {
    #[cold]
    fn from(e: Error) -> Self {
        // SAFETY: The function takes any error code.
        Self(unsafe { bindings::errno_to_blk_status(e.to_errno()) })
    }
}

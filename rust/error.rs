// SPDX-License-Identifier: GPL-2.0

//! Error codes that `kernel::error::code` lacks.
//!
//! These are functions because the constructor of [`Error`] that is `const` is private to the
//! kernel crate.
//!
//! # Examples
//!
//! ```
//! use kernel::prelude::*;
//! use kernel_ext::error::{ehwpoison, eopnotsupp, errno};
//!
//! assert_eq!(eopnotsupp().to_errno(), -errno::EOPNOTSUPP);
//! assert_eq!(ehwpoison().to_errno(), -errno::EHWPOISON);
//! ```
//!
//! C header: [`include/uapi/asm-generic/errno.h`](srctree/include/uapi/asm-generic/errno.h)

use kernel::error::Error;

/// `EOPNOTSUPP`: the operation is not supported by this object.
#[inline]
pub fn eopnotsupp() -> Error {
    Error::from_errno(-errno::EOPNOTSUPP)
}

/// `EHWPOISON`: the memory page has a hardware error.
#[inline]
pub fn ehwpoison() -> Error {
    Error::from_errno(-errno::EHWPOISON)
}

/// The positive numbers of C.
pub mod errno {
    use crate::bindings;
    use kernel::ffi::c_int;

    /// The operation is not supported by this object.
    pub const EOPNOTSUPP: c_int = bindings::EOPNOTSUPP as c_int;
    /// The memory page has a hardware error.
    pub const EHWPOISON: c_int = bindings::EHWPOISON as c_int;
}

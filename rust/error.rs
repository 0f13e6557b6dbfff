// SPDX-License-Identifier: GPL-2.0

//! Error codes that `kernel::error::code` lacks.
//!
//! Functions, because the kernel crate keeps the constant constructor of [`Error`] to itself.
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

/// The same as the positive numbers of C, for code that returns them negated.
pub mod errno {
    use crate::bindings;
    use kernel::ffi::c_int;

    /// The operation is not supported by this object.
    pub const EOPNOTSUPP: c_int = bindings::EOPNOTSUPP as c_int;
    /// The memory page has a hardware error.
    pub const EHWPOISON: c_int = bindings::EHWPOISON as c_int;
}

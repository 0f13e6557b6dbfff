// SPDX-License-Identifier: GPL-2.0

//! How a page fault ended.

use crate::{
    bindings,
    error::errno, //
};
use core::ops::BitOr;
use kernel::prelude::*;

/// A set of the `VM_FAULT_*` bits with which a handler answers (`vm_fault_t`).
///
/// C header: [`include/linux/mm_types.h`](srctree/include/linux/mm_types.h)
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::mm::fault::FaultCode;
///
/// assert!(FaultCode::from_error(ENOMEM) == FaultCode::OOM);
/// assert!(FaultCode::FALLBACK.is_error());
/// assert!(!(FaultCode::NOPAGE | FaultCode::MAJOR).is_error());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct FaultCode(bindings::vm_fault_t);

impl FaultCode {
    /// No bit: the handler did nothing, and the task repeats the access.
    pub const NONE: Self = Self(0);
    /// There is no memory.
    pub const OOM: Self = Self(bindings::vm_fault_reason_VM_FAULT_OOM);
    /// There is nothing to map.
    pub const SIGBUS: Self = Self(bindings::vm_fault_reason_VM_FAULT_SIGBUS);
    /// The fault had to wait for the filesystem to allocate a block.
    pub const MAJOR: Self = Self(bindings::vm_fault_reason_VM_FAULT_MAJOR);
    /// The memory has an error.
    pub const HWPOISON: Self = Self(bindings::vm_fault_reason_VM_FAULT_HWPOISON);
    /// The handler inserted the page itself.
    pub const NOPAGE: Self = Self(bindings::vm_fault_reason_VM_FAULT_NOPAGE);
    /// A huge page does not fit: try a small one.
    pub const FALLBACK: Self = Self(bindings::vm_fault_reason_VM_FAULT_FALLBACK);
    /// The private copy was made and inserted.
    pub const DONE_COW: Self = Self(bindings::vm_fault_reason_VM_FAULT_DONE_COW);
    /// The file must be synced before the page is inserted.
    pub const NEEDDSYNC: Self = Self(bindings::vm_fault_reason_VM_FAULT_NEEDDSYNC);

    /// All bits that are errors (`VM_FAULT_ERROR`).
    const ERROR: bindings::vm_fault_t = Self::OOM.0
        | Self::SIGBUS.0
        | bindings::vm_fault_reason_VM_FAULT_SIGSEGV
        | Self::HWPOISON.0
        | bindings::vm_fault_reason_VM_FAULT_HWPOISON_LARGE
        | Self::FALLBACK.0;

    /// The code with the bits that C returned.
    #[inline]
    pub const fn from_raw(code: bindings::vm_fault_t) -> Self {
        Self(code)
    }

    /// The bits for C.
    #[inline]
    pub const fn as_raw(self) -> bindings::vm_fault_t {
        self.0
    }

    /// The answer for `error` (`vmf_error()`).
    #[inline]
    pub fn from_error(error: Error) -> Self {
        if error == ENOMEM {
            Self::OOM
        } else if error.to_errno() == -errno::EHWPOISON {
            Self::HWPOISON
        } else {
            Self::SIGBUS
        }
    }

    /// Whether there is no bit.
    #[inline]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether the fault failed, or falls back.
    #[inline]
    pub const fn is_error(self) -> bool {
        self.0 & Self::ERROR != 0
    }
}

impl BitOr for FaultCode {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

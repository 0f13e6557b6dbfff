// SPDX-License-Identifier: GPL-2.0

//! The identity of a holder, and the operations that it lends to a device.

use super::table::Lent;
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    ffi::c_void,
    sync::atomic::AtomicType, //
};
use kernel_ext::bindings;

/// A pointer that identifies a holder, such as a mount. The core does not follow it.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct HolderId(*mut c_void);

// SAFETY:
// - The type is transparent to a pointer, so that size and alignment are those of `Repr`, and any
//   pointer is a valid value.
// - Any thread may have the value, because the core does not follow the pointer.
unsafe impl AtomicType for HolderId {
    type Repr = *const c_void;
}

impl HolderId {
    /// No holder.
    pub(crate) const NONE: Self = Self(ptr::null_mut());

    /// The holder that C identifies by `raw`; NULL is [`Self::NONE`].
    #[inline]
    pub(crate) const fn from_raw(raw: *mut c_void) -> Self {
        Self(raw)
    }

    /// The pointer for C.
    #[inline]
    pub(crate) const fn as_raw(self) -> *mut c_void {
        self.0
    }

    /// Whether this is [`Self::NONE`].
    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.0.is_null()
    }
}

/// The operations of a holder.
#[repr(transparent)]
pub(crate) struct HolderOps(pub(super) bindings::dax_holder_operations);

impl HolderOps {
    /// The table at `raw`, or `None` if that is NULL.
    ///
    /// # Safety
    ///
    /// `raw` must be NULL or a table that lives as the invariant of [`Lent`] says: until the device is
    /// dead, or until the holder has given it back and an SRCU grace period has passed.
    pub(crate) unsafe fn lend(raw: *const bindings::dax_holder_operations) -> Option<Lent<Self>> {
        // CAST: `HolderOps` is transparent to the table.
        // SAFETY: The caller ensures that the table lives as long as it must.
        NonNull::new(raw.cast_mut().cast()).map(|table| unsafe { Lent::new(table) })
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The private data and the operations that a driver gives to its device.

use super::table::{
    Base,
    Extended,
    Lent, //
};
use core::{
    mem::offset_of,
    ptr, //
};
use kernel::{
    ffi::c_void,
    sync::atomic::AtomicType, //
};
use kernel_ext::bindings;

/// The private data of a driver: a pointer that the core stores and never follows.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Private(*mut c_void);

// SAFETY:
// - The type is transparent to a pointer, so that size and alignment are those of `Repr`, and any
//   pointer is a valid value.
// - Any thread may have the value, because the core does not follow the pointer.
unsafe impl AtomicType for Private {
    type Repr = *const c_void;
}

impl Private {
    /// No data.
    pub(crate) const NONE: Self = Self(ptr::null_mut());

    /// The pointer for C.
    #[inline]
    pub(crate) fn as_raw(self) -> *mut c_void {
        self.0
    }
}

/// Where drivers find the private data in a device, in bytes.
pub(crate) const PRIVATE_OFFSET: usize = offset_of!(bindings::dax_device_head, private);

/// The operations that a device has when it is made.
pub(crate) enum Tables {
    /// None; they may come later (`dax_set_ops()`).
    None,
    /// Those that every device has.
    Base(Lent<Base>),
    /// These and the optional ones.
    Extended(Lent<Extended>),
}

/// The private data and the operations of a new device.
///
/// # Invariants
///
/// The operations in `tables` may be called with a device whose private data is `private`.
pub(crate) struct Given {
    private: Private,
    tables: Tables,
}

impl Given {
    /// # Safety
    ///
    /// For as long as the new device is alive, the operations in `tables`, and those that the device
    /// gets later, may be called with a device whose private data is `private`.
    pub(crate) unsafe fn new(private: *mut c_void, tables: Tables) -> Self {
        // INVARIANT: The caller ensures what the invariants say, as `# Safety` asks.
        Self {
            private: Private(private),
            tables,
        }
    }

    /// Both.
    pub(crate) fn into_parts(self) -> (Private, Tables) {
        (self.private, self.tables)
    }
}

/// Evidence that the driver of a dead device is there again, so that the device may be alive.
pub(crate) struct Revival(());

impl Revival {
    /// # Safety
    ///
    /// Until the device is killed the next time, its operations may be called with its private data.
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

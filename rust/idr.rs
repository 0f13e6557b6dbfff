// SPDX-License-Identifier: GPL-2.0

//! Small integers as identifiers.
//!
//! C header: [`include/linux/idr.h`](srctree/include/linux/idr.h)

use crate::bindings;
use kernel::{
    error::Error,
    prelude::*,
    types::Opaque, //
};

/// An allocator of identifiers, which hands out the lowest free one.
///
/// # Invariants
///
/// `ida` is an initialised `struct ida`.
#[pin_data(PinnedDrop)]
pub struct Ida {
    #[pin]
    ida: Opaque<bindings::ida>,
}

// SAFETY: C synchronises all accesses.
unsafe impl Send for Ida {}
// SAFETY: C synchronises all accesses.
unsafe impl Sync for Ida {}

impl Ida {
    /// An allocator of which all identifiers are free.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: `ida` is valid for the initialisation.
            // INVARIANT: It is initialised here.
            ida <- Opaque::ffi_init(|ida| unsafe { bindings::ida_init(ida) }),
        })
    }

    /// Takes the lowest free identifier up to `max`.
    ///
    /// Fails with `ENOSPC` if there is none, and with `ENOMEM`. May sleep.
    pub fn alloc(&self, max: u32) -> Result<u32> {
        // SAFETY: `ida` is initialised by the type invariant.
        let id = unsafe { bindings::ida_alloc_range(self.ida.get(), 0, max, bindings::GFP_KERNEL) };
        u32::try_from(id).map_err(|_| Error::from_errno(id))
    }

    /// Gives back `id`, which [`Self::alloc`] returned.
    pub fn free(&self, id: u32) {
        // SAFETY: `ida` is initialised by the type invariant. C warns if `id` is free.
        unsafe { bindings::ida_free(self.ida.get(), id) };
    }
}

#[pinned_drop]
impl PinnedDrop for Ida {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: `ida` is initialised by the type invariant.
        unsafe { bindings::ida_destroy(self.ida.get()) };
    }
}

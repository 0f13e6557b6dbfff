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
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::idr::Ida;
///
/// let ida = KBox::pin_init(Ida::new(), GFP_KERNEL)?;
/// assert_eq!(ida.alloc(1)?, 0);
/// assert_eq!(ida.alloc(1)?, 1);
/// assert_eq!(ida.alloc(1), Err(ENOSPC));
/// ida.free(0);
/// assert_eq!(ida.alloc(1)?, 0);
/// # Ok::<(), Error>(())
/// ```
#[pin_data(PinnedDrop)]
pub struct Ida {
    #[pin]
    ida: Opaque<bindings::ida>,
}

// SAFETY: The functions of C for a `struct ida` may be called from any thread.
unsafe impl Send for Ida {}
// SAFETY: C takes the lock of the `struct ida` around each access.
unsafe impl Sync for Ida {}

impl Ida {
    /// An allocator of which all identifiers are free.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: `ffi_init` passes a pointer to memory that is valid for a `struct ida`.
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
        // SAFETY: `ida` is initialised by the type invariant. For an `id` that is free, C warns.
        unsafe { bindings::ida_free(self.ida.get(), id) };
    }
}

#[pinned_drop]
impl PinnedDrop for Ida {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: `ida` is initialised by the type invariant, and not used any more.
        unsafe { bindings::ida_destroy(self.ida.get()) };
    }
}

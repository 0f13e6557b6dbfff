// SPDX-License-Identifier: GPL-2.0

//! The SRCU domain of all devices, which `exports.c` defines.

use kernel_ext::{
    bindings,
    sync::srcu::{
        Domain,
        Reading,
        Srcu, //
    },
};

/// The domain that `dax_read_lock()` enters.
pub(crate) enum DaxDomain {}

// SAFETY: The function returns the one static object `dax_srcu`.
unsafe impl Domain for DaxDomain {
    #[inline]
    fn srcu() -> &'static Srcu {
        // SAFETY: `DEFINE_SRCU()` in exports.c defines `dax_srcu` statically and initialises it.
        unsafe { Srcu::from_raw(&raw mut bindings::dax_srcu) }
    }
}

/// Evidence that the current task is inside the domain.
pub(crate) type DaxReading<'a> = Reading<'a, DaxDomain>;

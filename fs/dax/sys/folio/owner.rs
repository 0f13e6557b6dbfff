// SPDX-License-Identifier: GPL-2.0

//! The file that a folio of a DAX device belongs to, for memory failure, which begins with the
//! folio.

use super::DeviceFolio;
use kernel_ext::{
    bindings,
    units::PageIndex, //
};

impl DeviceFolio {
    /// The address space that has the only entry for the folio, if there is one such.
    ///
    /// It may change at any time, and the address space be freed after an RCU grace period, unless
    /// the caller holds the i_pages lock of that address space or the lock of that entry.
    #[inline]
    pub(crate) fn owner(&self) -> Option<*mut bindings::address_space> {
        /// Bits of which anonymous memory, and movable pages, have one or more set.
        const OTHER: usize = 3;
        let folio = self.as_raw();
        // SAFETY:
        // - The structure is valid, by the type invariants.
        // - Other tasks change the field with one store; this reads it with one load.
        let mapping = unsafe {
            (&raw const (*folio).__bindgen_anon_1.__bindgen_anon_1.mapping).read_volatile()
        };
        (!mapping.is_null() && mapping.addr() & OTHER == 0).then_some(mapping)
    }

    /// The first page of that entry. Without an owner the number is a share count.
    #[inline]
    pub(crate) fn index(&self) -> PageIndex {
        let folio = self.as_raw();
        // SAFETY:
        // - The structure is valid, by the type invariants.
        // - Other tasks change the field with one store; this reads it with one load.
        PageIndex(unsafe {
            (&raw const (*folio)
                .__bindgen_anon_1
                .__bindgen_anon_1
                .__bindgen_anon_2
                .index)
                .read_volatile()
        })
    }
}

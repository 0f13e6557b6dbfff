// SPDX-License-Identifier: GPL-2.0

//! To whom a folio of a DAX device belongs, for those who have only the folio.

use super::DeviceFolio;
use crate::{
    bindings,
    units::PageIndex, //
};

impl DeviceFolio {
    /// The address space that has the only entry for the folio, if there is one such.
    ///
    /// This may change at any time, and the address space be freed after an RCU grace period, unless
    /// the caller holds the lock of that address space or of that entry.
    #[inline]
    pub fn owner(&self) -> Option<*mut bindings::address_space> {
        /// What else is written down there: memory of processes has one of these bits set.
        const OTHER: usize = 3;
        let folio = self.as_raw();
        // SAFETY: Valid by the type invariants. Whoever changes it does it with one store.
        let mapping = unsafe {
            (&raw const (*folio).__bindgen_anon_1.__bindgen_anon_1.mapping).read_volatile()
        };
        (!mapping.is_null() && mapping.addr() & OTHER == 0).then_some(mapping)
    }

    /// The first page of that entry. Without an owner it means nothing.
    #[inline]
    pub fn index(&self) -> PageIndex {
        let folio = self.as_raw();
        // SAFETY: Valid by the type invariants. Whoever changes it does it with one store.
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

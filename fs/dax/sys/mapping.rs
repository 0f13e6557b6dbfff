// SPDX-License-Identifier: GPL-2.0

//! Address spaces of files with DAX.

use super::entry::NODE_BITS;
use core::ops::Deref;
use kernel::prelude::*;
use kernel_ext::{
    bindings,
    fs::mapping::AddressSpace, //
};

// cachestat(2) takes the entries for shadow entries in DAX files, too; see `entry`.
const _: () = assert!(bindings::NODES_SHIFT <= NODE_BITS);

/// The address space of a file whose pages are the memory of a DAX device (`dax_mapping()`).
///
/// Only such an address space has a [`Cursor`](super::cursor::Cursor), so that no entry of DAX gets
/// into a page cache, where it would be taken for a swap or shadow entry.
///
/// # Invariants
///
/// The inode had `S_DAX` when the reference was taken. A filesystem changes that flag only while
/// `i_pages` is empty, and keeps all callers of DAX out meanwhile. So `i_pages` has entries of DAX
/// only.
#[repr(transparent)]
pub(crate) struct DaxMapping(AddressSpace);

impl DaxMapping {
    /// `mapping`, if its inode has `S_DAX`.
    #[inline]
    pub(crate) fn of(mapping: &AddressSpace) -> Option<&Self> {
        if !mapping.is_dax() {
            return None;
        }
        // SAFETY: Just checked.
        Some(unsafe { Self::of_dax_file(mapping) })
    }

    /// `mapping`, whose inode the caller knows to have `S_DAX`. Spares the fault path the check.
    ///
    /// # Safety
    ///
    /// The inode of `mapping` must have `S_DAX`, and keep it for the lifetime of the reference.
    #[inline]
    pub(crate) const unsafe fn of_dax_file(mapping: &AddressSpace) -> &Self {
        // CAST: `DaxMapping` is transparent to `AddressSpace`.
        // INVARIANT: The caller knows that the inode has `S_DAX`.
        // SAFETY: The pointer is that of a reference to an `AddressSpace`, of which `DaxMapping` has the
        // layout (`repr(transparent)`), and the result has its lifetime.
        unsafe { &*core::ptr::from_ref(mapping).cast() }
    }
}

impl DaxMapping {
    /// Has the next fsync() of each open file of the inode fail with `EIO`, because data is lost.
    #[cold]
    pub(crate) fn report_loss(&self) {
        self.0.set_error(EIO);
    }
}

impl Deref for DaxMapping {
    type Target = AddressSpace;

    #[inline]
    fn deref(&self) -> &AddressSpace {
        &self.0
    }
}

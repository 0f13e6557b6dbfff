// SPDX-License-Identifier: GPL-2.0

//! Positions in the array of pages of a file (`i_pages`).
//!
//! Filesystem-DAX reads and changes the array through a cursor (`struct xa_state`) under the lock
//! of the array. [`Cursor`] is the position, [`Guard`](super::guard::Guard) the lock. A position is
//! a place in the tree only while the lock is held: the guard resets it when it unlocks, so that a
//! cursor that outlives a lock starts again from the root.
//!
//! The XArray of the kernel crate does not serve: it stores owned pointers, one index each, in an
//! array that it makes itself, and has neither marks nor cursors.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use super::{
    entry::Entry,
    mapping::DaxMapping, //
};
use core::ptr;
use kernel::{
    error::Error,
    ffi::c_void, //
};
use kernel_ext::{
    bindings,
    units::PageIndex,
    xarray::Value, //
};

/// A tag that entries can have (`xa_mark_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Mark(pub(super) bindings::xa_mark_t);

/// Entries whose memory a task may have written since it was last flushed (`PAGECACHE_TAG_DIRTY`).
pub(crate) const TAG_DIRTY: Mark = Mark(bindings::PAGECACHE_TAG_DIRTY);

/// Dirty entries that a writeback has set out to flush (`PAGECACHE_TAG_TOWRITE`).
pub(crate) const TAG_TOWRITE: Mark = Mark(bindings::PAGECACHE_TAG_TOWRITE);

/// The content of an index that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    /// An entry that is not locked.
    Unlocked(Entry),
    /// An entry that some task has locked.
    Locked(Entry),
    /// Something else: a pointer, or a node of the array itself.
    Foreign,
}

impl Present {
    /// The content of an index, as a slot of the array has it.
    ///
    /// # Safety
    ///
    /// `slot` must be the content of a slot in the `i_pages` of a [`DaxMapping`].
    #[inline]
    pub(super) unsafe fn from_raw(slot: *mut c_void) -> Option<Self> {
        if slot.is_null() {
            return None;
        }
        let Some(value) = Value::from_bits(slot.addr()) else {
            return Some(Self::Foreign);
        };
        // SAFETY: The caller has it from the array of a DAX mapping.
        Some(match unsafe { Entry::decode(value) } {
            (entry, false) => Self::Unlocked(entry),
            (entry, true) => Self::Locked(entry),
        })
    }
}

/// No index; the walk starts again from the root (`XAS_RESTART`).
const RESTART: *mut bindings::xa_node = ptr::without_provenance_mut(3);

/// Whether `node` is a place in the tree, and no error or other state (`xas_valid()`).
#[inline]
pub(super) fn is_place(node: *mut bindings::xa_node) -> bool {
    node.addr() & 3 == 0
}

/// Whether `node` is no node of the tree: the root, or a state (`xas_not_node()`).
#[inline]
pub(super) fn not_node(node: *mut bindings::xa_node) -> bool {
    node.is_null() || !is_place(node)
}

/// A position in the array of pages of a file (`struct xa_state`).
///
/// # Invariants
///
/// - `xas.xa` is the array of `mapping`.
/// - `xas.xa_node` points into the tree only while a [`Guard`](super::guard::Guard) of this cursor
///   exists.
/// - `xas.xa_alloc` is NULL or owns nodes that [`Cursor::allocate`] made.
pub(crate) struct Cursor<'m> {
    pub(super) mapping: &'m DaxMapping,
    pub(super) xas: bindings::xa_state,
    pub(super) order: u32,
    pub(super) steps: u32,
}

impl<'m> Cursor<'m> {
    /// A cursor for entries of 2^`order` pages at `index` (`XA_STATE_ORDER()`).
    #[inline]
    pub(crate) fn new(mapping: &'m DaxMapping, index: PageIndex, order: u32) -> Self {
        let rest = order % bindings::XA_CHUNK_SHIFT;
        // INVARIANT: The array is that of the mapping; the walk has not begun, and no nodes are
        // allocated.
        Self {
            mapping,
            xas: bindings::xa_state {
                xa: mapping.i_pages(),
                xa_index: index.0 >> order << order,
                xa_shift: (order - rest) as u8,
                xa_sibs: ((1u32 << rest) - 1) as u8,
                xa_offset: 0,
                xa_pad: 0,
                xa_node: RESTART,
                xa_alloc: ptr::null_mut(),
                xa_update: None,
                xa_lru: ptr::null_mut(),
            },
            order,
            steps: 0,
        }
    }

    /// The file.
    #[inline]
    pub(crate) fn mapping(&self) -> &'m DaxMapping {
        self.mapping
    }

    /// Where the cursor is. Within an entry of many pages this may be any of them.
    #[inline]
    pub(crate) fn index(&self) -> PageIndex {
        PageIndex(self.xas.xa_index)
    }

    /// Moves to `index` (`xas_set()`).
    #[inline]
    pub(super) fn set_index(&mut self, index: PageIndex) {
        self.xas.xa_index = index.0;
        self.xas.xa_node = RESTART;
    }

    /// Forgets a failure, and that a walk has come to its end (`xas_reset()`).
    #[inline]
    pub(super) fn reset(&mut self) {
        self.xas.xa_node = RESTART;
    }

    /// Allocates the memory that the array lacked when an entry could not be stored
    /// (`xas_nomem()`). May sleep.
    ///
    /// Returns whether it makes sense to try again: not if nothing failed, if it failed for another
    /// reason, or if there is no memory.
    pub(crate) fn allocate(&mut self) -> bool {
        let gfp = self.mapping.gfp_mask() & !bindings::__GFP_HIGHMEM;
        // INVARIANT: `xas_nomem()` leaves the nodes that it allocates in `xa_alloc`.
        // SAFETY:
        // - The cursor is valid by the type invariants.
        // - No guard of it exists, since `self` is borrowed mutably: its lock is not held.
        unsafe { bindings::xas_nomem(&mut self.xas, gfp) }
    }

    /// Why the last operation failed, if it did (`xas_error()`).
    #[inline]
    pub(super) fn error(&self) -> Option<Error> {
        let node = self.xas.xa_node.addr();
        // C stores an error as four times its (negative) number plus two.
        const LEAST: usize = (-(bindings::MAX_ERRNO as isize) * 4) as usize;
        if node & 3 == 2 && node >= LEAST {
            Some(Error::from_errno(node as isize as i32 >> 2))
        } else {
            None
        }
    }
}

impl Drop for Cursor<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.xas.xa_alloc.is_null() {
            // SAFETY: By the type invariants the cursor is valid and owns the nodes.
            unsafe { bindings::xas_destroy(&mut self.xas) };
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Walks over the pages of a file.
//!
//! The array of pages of an address space (`i_pages`) is looked at and changed through a cursor
//! (`struct xa_state`) under the array's lock. [`Cursor`] is the position, [`Guard`] the lock.
//! A position is a place in the tree only while the lock is held: [`Guard`] resets it when it
//! unlocks, so that a cursor that outlives a lock starts again from the root.
//!
//! The XArray of the kernel crate is of no use for this: it stores owned pointers in an array that
//! it makes itself, one index each, and has neither marks nor cursors. The entries here are numbers
//! ([`Value`]) that cover one or many indices, in an array that C made and shares.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

mod guard;
mod value;

pub use guard::Guard;
pub use value::Value;

use crate::{
    bindings,
    fs::mapping::AddressSpace,
    units::PageIndex, //
};
use core::ptr;
use kernel::error::Error;

/// A tag that entries can have (`xa_mark_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Mark(bindings::xa_mark_t);

impl Mark {
    /// The mark that C calls `raw`.
    #[inline]
    pub(crate) const fn from_raw(raw: bindings::xa_mark_t) -> Self {
        Self(raw)
    }
}

/// What an index that is not empty holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    /// A number.
    Value(Value),
    /// Something else: a pointer, or a node of the array itself.
    Other,
}

impl Present {
    #[inline]
    fn from_raw(entry: *mut kernel::ffi::c_void) -> Option<Self> {
        if entry.is_null() {
            None
        } else {
            Some(match Value::from_bits(entry.addr()) {
                Some(value) => Self::Value(value),
                None => Self::Other,
            })
        }
    }
}

/// No index; the walk starts again from the root (`XAS_RESTART`).
const RESTART: *mut bindings::xa_node = ptr::without_provenance_mut(3);

/// Whether `node` is a place in the tree, and no error or other state (`xas_valid()`).
#[inline]
fn is_place(node: *mut bindings::xa_node) -> bool {
    node.addr() & 3 == 0
}

/// Whether `node` is no node of the tree: the root, or a state (`xas_not_node()`).
#[inline]
fn not_node(node: *mut bindings::xa_node) -> bool {
    node.is_null() || !is_place(node)
}

/// A position in the array of pages of an address space (`struct xa_state`).
///
/// # Invariants
///
/// - `xas.xa` is the array of `mapping`.
/// - `xas.xa_node` points into the tree only while a [`Guard`] of this cursor exists.
/// - `xas.xa_alloc` is NULL or owns nodes that [`Cursor::allocate`] made.
pub struct Cursor<'m> {
    mapping: &'m AddressSpace,
    xas: bindings::xa_state,
    order: u32,
    steps: u32,
}

impl<'m> Cursor<'m> {
    /// A cursor for entries of 2^`order` pages at `index` (`XA_STATE_ORDER()`).
    #[inline]
    pub fn new(mapping: &'m AddressSpace, index: PageIndex, order: u32) -> Self {
        let rest = order % bindings::XA_CHUNK_SHIFT;
        // INVARIANT: The array is that of the mapping; the walk has not begun.
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

    /// The address space whose pages these are.
    #[inline]
    pub fn mapping(&self) -> &'m AddressSpace {
        self.mapping
    }

    /// The binary logarithm of the number of pages that the cursor was made for.
    #[inline]
    pub fn order(&self) -> u32 {
        self.order
    }

    /// Where the cursor is. Within an entry of many pages this may be any of them.
    #[inline]
    pub fn index(&self) -> PageIndex {
        PageIndex(self.xas.xa_index)
    }

    /// Moves to `index` (`xas_set()`).
    #[inline]
    pub fn set_index(&mut self, index: PageIndex) {
        self.xas.xa_index = index.0;
        self.xas.xa_node = RESTART;
    }

    /// Forgets a failure, and that a walk has come to its end (`xas_reset()`).
    #[inline]
    pub fn reset(&mut self) {
        self.xas.xa_node = RESTART;
    }

    /// Takes the lock of the array and disables interrupts (`xas_lock_irq()`).
    #[inline]
    pub fn lock<'c>(&'c mut self) -> Guard<'c, 'm> {
        Guard::lock(self)
    }

    /// After a failed [`Guard::store`]: allocates the memory that it lacked (`xas_nomem()`).
    ///
    /// Returns whether it makes sense to try again, which is not so if there was no failure, one
    /// for another reason, or if there is no memory. May sleep.
    pub fn allocate(&mut self) -> bool {
        let gfp = self.mapping.gfp_mask() & !bindings::__GFP_HIGHMEM;
        // SAFETY: The cursor is valid by the type invariants; the lock is not held, because `self`
        // is borrowed mutably and not by a guard.
        unsafe { bindings::xas_nomem(&mut self.xas, gfp) }
    }

    /// Why the last operation failed, if it did.
    #[inline]
    pub fn error(&self) -> Option<Error> {
        let node = self.xas.xa_node.addr();
        // An error is stored as four times its (negative) number plus two.
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
            // SAFETY: By the type invariants we own the nodes.
            unsafe { bindings::xas_destroy(&mut self.xas) };
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Address spaces: the pages of a file.
//!
//! C headers: [`include/linux/fs.h`](srctree/include/linux/fs.h),
//! [`include/linux/pagemap.h`](srctree/include/linux/pagemap.h)

pub use crate::units::PageIndex;

use super::inode::Inode;
use crate::bindings;
use kernel::types::Opaque;

/// The pages of a file (`struct address_space`).
///
/// # Invariants
///
/// The structure is initialised, and has an inode.
///
/// # Examples
///
/// ```
/// use kernel_ext::{
///     fs::mapping::AddressSpace,
///     units::PageIndex,
/// };
///
/// fn unmap_first_page(file: &AddressSpace) {
///     if !file.is_empty() {
///         file.unmap_pages(PageIndex::ZERO, 1);
///     }
/// }
/// ```
#[repr(transparent)]
pub struct AddressSpace(Opaque<bindings::address_space>);

// SAFETY: C protects the fields that change by locks of the structure.
unsafe impl Send for AddressSpace {}
// SAFETY: C protects the fields that change by locks of the structure.
unsafe impl Sync for AddressSpace {}

impl AddressSpace {
    /// The address space at `ptr`.
    ///
    /// # Safety
    ///
    /// `ptr` must be an initialised address space of an inode, and live for `'a`.
    #[inline]
    pub const unsafe fn from_raw<'a>(ptr: *mut bindings::address_space) -> &'a Self {
        // CAST: `AddressSpace` is transparent to the C structure.
        // INVARIANT: The structure is initialised and has an inode, as the caller ensures.
        // SAFETY: The structure lives for `'a`, as the caller ensures.
        unsafe { &*ptr.cast() }
    }

    /// The address space as C names it.
    #[inline]
    pub const fn as_raw(&self) -> *mut bindings::address_space {
        self.0.get()
    }

    /// The array of pages; its lock protects it.
    #[inline]
    pub const fn i_pages(&self) -> *mut bindings::xarray {
        // SAFETY: The structure is valid, by the type invariants; no field is read.
        unsafe { &raw mut (*self.as_raw()).i_pages }
    }

    /// The inode whose pages these are.
    #[inline]
    pub fn host(&self) -> &Inode {
        // SAFETY: There is an inode, by the type invariants. The field does not change, and the
        // inode lives as long as the address space, which is a part of it.
        unsafe { Inode::from_raw((*self.as_raw()).host) }
    }

    /// Whether the pages are the memory of a DAX device (`dax_mapping()`).
    #[inline]
    pub fn is_dax(&self) -> bool {
        self.host().is_dax()
    }

    /// Whether there is no page (`mapping_empty()`). May be out of date at once.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // SAFETY: The structure is valid, by the type invariants. Other tasks change the pointer
        // with one store; this reads it with one load, and does not follow it.
        unsafe { (&raw const (*self.i_pages()).xa_head).read_volatile() }.is_null()
    }

    /// Whether a task holds `invalidate_lock`: a page fault shares it from before it asks the
    /// filesystem for blocks until it has mapped them. May be out of date at once.
    ///
    /// If none does, the caller sees what those that held it have done: x86-64 does not reorder
    /// loads.
    #[inline]
    pub fn is_invalidate_locked(&self) -> bool {
        // SAFETY: The structure is valid, by the type invariants. The function reads the state of
        // the semaphore with one load.
        unsafe { bindings::rwsem_is_locked(&raw mut (*self.as_raw()).invalidate_lock) != 0 }
    }

    /// How pages of this file, and the nodes of its array, are allocated (`mapping_gfp_mask()`).
    #[inline]
    pub fn gfp_mask(&self) -> bindings::gfp_t {
        // SAFETY: The structure is valid, by the type invariants. The filesystem sets the mask
        // before other tasks find the inode.
        unsafe { (*self.as_raw()).gfp_mask }
    }

    /// Removes `pages` pages from `start` on from all page tables, private copies excepted
    /// (`unmap_mapping_pages()`). Sleeps.
    #[inline]
    pub fn unmap_pages(&self, start: PageIndex, pages: usize) {
        // SAFETY: The structure is valid, by the type invariants.
        unsafe { bindings::unmap_mapping_pages(self.as_raw(), start.0, pages, false) };
    }

    /// Forgets the clean pages from `first` up to and including `last`, and removes them from all
    /// page tables (`invalidate_inode_pages2_range()`). Sleeps.
    ///
    /// Dirty pages stay; they are removed from page tables as well.
    #[inline]
    pub fn invalidate(&self, first: PageIndex, last: PageIndex) {
        // SAFETY: The structure is valid, by the type invariants.
        unsafe { bindings::invalidate_inode_pages2_range(self.as_raw(), first.0, last.0) };
    }

    /// Sets `PAGECACHE_TAG_TOWRITE` on the dirty pages from `start` up to and including `last`
    /// (`tag_pages_for_writeback()`). May sleep.
    #[inline]
    pub fn tag_for_writeback(&self, start: PageIndex, last: PageIndex) {
        // SAFETY: The structure is valid, by the type invariants.
        unsafe { bindings::tag_pages_for_writeback(self.as_raw(), start.0, last.0) };
    }
}

impl Inode {
    /// The pages of the file (`i_mapping`).
    #[inline]
    pub fn mapping(&self) -> &AddressSpace {
        // SAFETY:
        // - The inode is initialised by its type invariants, and so has the address space of an
        //   inode, which does not change.
        // - The inode keeps the address space: it is its own, or that of a block device which it
        //   has open.
        unsafe { AddressSpace::from_raw((*self.as_raw()).i_mapping) }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The areas that map a file.
//!
//! C header: [`include/linux/rmap.h`](srctree/include/linux/rmap.h)

use crate::{
    bindings,
    fs::mapping::AddressSpace,
    memremap::Frames,
    units::PageIndex, //
};
use kernel::{
    ffi::c_ulong,
    types::NotThreadSafe, //
};

impl AddressSpace {
    /// Keeps the areas that map the file as they are (`i_mmap_lock_read()`). Sleeps.
    #[inline]
    pub fn lock_mappings(&self) -> Mappings<'_> {
        // SAFETY: The address space is initialised, by the type invariants, and with it the
        // semaphore.
        unsafe { bindings::down_read(&raw mut (*self.as_raw()).i_mmap_rwsem) };
        // INVARIANT: Just locked.
        Mappings {
            mapping: self,
            _not_send: NotThreadSafe,
        }
    }
}

/// The areas that map a file. No area is added or removed while this exists.
///
/// # Invariants
///
/// The current task has locked `i_mmap` of `mapping` for reading.
///
/// # Examples
///
/// ```
/// use kernel_ext::{
///     fs::mapping::AddressSpace,
///     memremap::Frames,
///     units::PageIndex,
/// };
///
/// fn write_protect_beginning(file: &AddressSpace, frames: Frames<'_>) {
///     file.lock_mappings().make_clean(PageIndex::ZERO, frames);
/// }
/// ```
#[must_use = "the areas are unlocked immediately when the guard is unused"]
pub struct Mappings<'m> {
    mapping: &'m AddressSpace,
    _not_send: NotThreadSafe,
}

impl Mappings<'_> {
    /// Write-protects the pages `frames`, which begin at `index` of the file, in all shared
    /// mappings, and marks them clean there: the next write to each is a fault.
    ///
    /// A page that a fault maps writable meanwhile may stay writable. Sleeps.
    pub fn make_clean(&self, index: PageIndex, frames: Frames<'_>) {
        let (pfn, pages) = (frames.first().number() as c_ulong, frames.pages());
        let (first, last) = (index.0, index.plus(pages - 1).0);
        // SAFETY:
        // - The address space is valid, and this task has locked the tree, by the type invariants.
        //   So the areas in it stay, and each next one is found from the one before.
        // - The frames have a `struct page` each, by the invariants of `Frames`.
        // - This task may sleep: it holds a semaphore, no spinlock.
        unsafe {
            let mut vma = tree::first(self.mapping.as_raw(), first, last);
            while !vma.is_null() {
                bindings::pfn_mkclean_range(pfn, pages, first, vma);
                bindings::cond_resched();
                vma = tree::next(vma, first, last);
            }
        }
    }
}

/// The walk over the areas that map a part of a file.
#[cfg(has_mapping_rmap_tree)]
mod tree {
    pub(super) use crate::bindings::{
        mapping_rmap_tree_iter_first as first,
        mapping_rmap_tree_iter_next as next, //
    };
}
/// The same for kernels up to 7.2, whose walk begins at the tree and not at the mapping.
#[cfg(not(has_mapping_rmap_tree))]
mod tree {
    use crate::bindings;
    use kernel::ffi::c_ulong;

    pub(super) use bindings::vma_interval_tree_iter_next as next;

    /// # Safety
    ///
    /// - `mapping` must be valid.
    /// - The caller must hold its `i_mmap_rwsem`.
    #[inline]
    pub(super) unsafe fn first(
        mapping: *mut bindings::address_space,
        first: c_ulong,
        last: c_ulong,
    ) -> *mut bindings::vm_area_struct {
        // SAFETY:
        // - The caller ensures that the mapping, and with it the tree, is valid.
        // - The caller ensures that the tree is locked.
        unsafe {
            let tree = &raw mut (*mapping).i_mmap;
            bindings::vma_interval_tree_iter_first(tree, first, last)
        }
    }
}

impl Drop for Mappings<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: This task has locked it, by the type invariants.
        unsafe { bindings::up_read(&raw mut (*self.mapping.as_raw()).i_mmap_rwsem) };
    }
}

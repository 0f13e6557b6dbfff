// SPDX-License-Identifier: GPL-2.0

//! Who has the pages of a file mapped.
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
    /// Has the areas that map the file stay (`i_mmap_lock_read()`). Sleeps.
    #[inline]
    pub fn lock_mappings(&self) -> Mappings<'_> {
        // SAFETY: The address space is valid by the type invariants.
        unsafe { bindings::down_read(&raw mut (*self.as_raw()).i_mmap_rwsem) };
        // INVARIANT: Just locked.
        Mappings {
            mapping: self,
            _not_send: NotThreadSafe,
        }
    }
}

/// The areas that map a file. None is added and none goes while this exists.
///
/// # Invariants
///
/// The current task has locked `i_mmap` of `mapping` for reading.
#[must_use = "the areas are unlocked immediately when the guard is unused"]
pub struct Mappings<'m> {
    mapping: &'m AddressSpace,
    _not_send: NotThreadSafe,
}

impl Mappings<'_> {
    /// Write-protects the pages `frames`, which begin at `index` of the file, in all shared
    /// mappings, and marks them clean there: the next write to each is a fault.
    ///
    /// The caller sees to it that no page table gets them, writable, in the meantime. Sleeps.
    pub fn make_clean(&self, index: PageIndex, frames: Frames<'_>) {
        let (pfn, pages) = (frames.first().number() as c_ulong, frames.pages());
        let (first, last) = (index.0, index.0 + (pages - 1));
        // SAFETY: The address space is valid, and the tree does not change, by the type invariants.
        // The areas in it are valid for as long, and by the invariants of `Frames` the frames have
        // page structures.
        unsafe {
            let tree = &raw mut (*self.mapping.as_raw()).i_mmap;
            let mut vma = bindings::vma_interval_tree_iter_first(tree, first, last);
            while !vma.is_null() {
                bindings::pfn_mkclean_range(pfn, pages, first, vma);
                bindings::cond_resched();
                vma = bindings::vma_interval_tree_iter_next(vma, first, last);
            }
        }
    }
}

impl Drop for Mappings<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Locked by the type invariants.
        unsafe { bindings::up_read(&raw mut (*self.mapping.as_raw()).i_mmap_rwsem) };
    }
}

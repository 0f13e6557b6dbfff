// SPDX-License-Identifier: GPL-2.0

//! Page faults in mapped files.
//!
//! The handler of a fault gets a [`VmFault`], inserts a page or a huge page for its address, and
//! answers with a [`FaultCode`].
//!
//! C headers: [`include/linux/mm.h`](srctree/include/linux/mm.h),
//! [`include/linux/huge_mm.h`](srctree/include/linux/huge_mm.h)

mod code;
mod cow;
mod entry;
#[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
mod huge_entry;
mod insert;
mod zeros;

pub use code::FaultCode;
pub use cow::CowPage;
#[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
pub use zeros::HugeZeroFolio;
pub use zeros::ZeroPage;

use crate::{
    bindings,
    fs::mapping::AddressSpace,
    units::PageIndex, //
};
use core::ptr;
use kernel::{
    error::to_result,
    ffi::c_int,
    mm::virt::{
        flags,
        VmaRef, //
    },
    prelude::*,
    types::Opaque, //
};

/// A page fault that is being handled (`struct vm_fault`).
///
/// # Invariants
///
/// The fault is that of the current task, in an area that maps a file. The lock of the area, or of
/// its address space, is held for reading. So the area stays, with its file and address space.
///
/// # Examples
///
/// ```
/// use kernel_ext::mm::fault::{PmdState, VmFault};
///
/// fn is_first_write_to_file(vmf: &VmFault) -> bool {
///     vmf.is_write() && vmf.is_shared() && vmf.pmd_state() == PmdState::Empty
/// }
/// ```
#[repr(transparent)]
pub struct VmFault(Opaque<bindings::vm_fault>);

/// The content of a page middle directory for an address, at the time that it was read: without the
/// lock of the page table it changes at any time.
///
/// # Examples
///
/// ```
/// use kernel_ext::mm::fault::{PmdState, VmFault};
///
/// /// Whether a fault on a small page can go on: another task may have mapped a huge one.
/// fn may_map_small(vmf: &VmFault) -> bool {
///     vmf.pmd_state() != PmdState::Huge
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PmdState {
    /// No entry.
    Empty,
    /// A huge page.
    Huge,
    /// A table of pages, or something that is not present.
    Table,
}

impl VmFault {
    /// The fault that C calls `vmf`.
    ///
    /// # Safety
    ///
    /// `vmf` must be a fault that memory management has this task handle for `'a`, in an area that
    /// maps a file; so the area, or its address space, is locked.
    #[inline]
    pub unsafe fn from_raw<'a>(vmf: *mut bindings::vm_fault) -> &'a Self {
        // CAST: `VmFault` is transparent to the C structure.
        // INVARIANT: Memory management calls handlers with the area locked.
        // SAFETY: The structure stays while the fault is handled, which is so for `'a`.
        unsafe { &*vmf.cast() }
    }

    /// The fault as C names it.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::vm_fault {
        self.0.get()
    }

    /// The address that faulted, rounded down to a page.
    #[inline]
    pub fn address(&self) -> usize {
        // SAFETY: The fault is valid, by the type invariants; the field does not change.
        unsafe { (*self.as_raw()).__bindgen_anon_1.address }
    }

    /// The page of the file at that address.
    #[inline]
    pub fn index(&self) -> PageIndex {
        // SAFETY: The fault is valid, by the type invariants; the field does not change.
        PageIndex(unsafe { (*self.as_raw()).__bindgen_anon_1.pgoff })
    }

    /// Whether the access was a write.
    #[inline]
    pub fn is_write(&self) -> bool {
        // SAFETY: The fault is valid, by the type invariants; its handler changes no flags.
        let flags = unsafe { (*self.as_raw()).flags };
        flags & bindings::fault_flag_FAULT_FLAG_WRITE != 0
    }

    /// The area in which the fault is.
    #[inline]
    pub fn vma(&self) -> &VmaRef {
        // SAFETY: The area is valid and locked, by the type invariants.
        unsafe { VmaRef::from_raw((*self.as_raw()).__bindgen_anon_1.vma) }
    }

    /// Whether stores to the area go to the file (`MAP_SHARED`).
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.vma().flags() & flags::SHARED != 0
    }

    /// Whether the file has data that was stored to the area after a crash, once the CPU caches are
    /// written back (`MAP_SYNC`).
    #[inline]
    pub fn is_sync(&self) -> bool {
        self.vma().flags() & flags::SYNC != 0
    }

    /// Whether userfaultfd write-protects pages of the area, to report which of them have been
    /// written (`UFFDIO_REGISTER_MODE_WP`).
    ///
    /// What it knows of a page is in the entry of the page table for it. A huge page has one for
    /// 512 pages.
    #[inline]
    pub fn has_writes_reported(&self) -> bool {
        self.vma().flags() & bindings::VM_UFFD_WP != 0
    }

    /// The pages of the file that the area maps.
    #[inline]
    pub fn mapping(&self) -> &AddressSpace {
        // SAFETY: The area maps a file, by the type invariants. It keeps the file, and the file its
        // inode, with an address space that is initialised.
        unsafe { AddressSpace::from_raw((*self.file()).f_mapping) }
    }

    #[inline]
    fn file(&self) -> *mut bindings::file {
        // SAFETY: The area is valid and locked, by the type invariants, so the field does not
        // change.
        unsafe { (*self.vma().as_ptr()).vm_file }
    }

    /// Whether the fault is a write to a private mapping, which has a page for the copy.
    #[inline]
    pub fn has_cow_page(&self) -> bool {
        // SAFETY: The fault is valid, by the type invariants; the field does not change.
        !unsafe { (*self.as_raw()).cow_page }.is_null()
    }

    /// The content of the page middle directory for the address.
    #[inline]
    pub fn pmd_state(&self) -> PmdState {
        // SAFETY:
        // - The fault is valid, by the type invariants.
        // - Memory management has allocated the directory, which stays while the area is locked.
        // - Other tasks change the entry with one store; this reads it with one load.
        let pmd = unsafe { ptr::read_volatile((*self.as_raw()).pmd) };
        // SAFETY: The functions read the value, and nothing that it refers to.
        unsafe {
            if bindings::pmd_none(pmd) {
                PmdState::Empty
            } else if bindings::pmd_trans_huge(pmd) {
                PmdState::Huge
            } else {
                PmdState::Table
            }
        }
    }

    /// Replaces a huge page at the address, if there is one, by a table, and counts that a fault
    /// fell back to small pages. Takes the lock of the page table.
    pub fn fall_back_from_pmd(&self) {
        let vmf = self.as_raw();
        // SAFETY:
        // - The fault and its area are valid, by the type invariants.
        // - The directory entry stays while the area is locked. The function takes the lock of the
        //   table.
        // - The event is one that the kernel counts.
        unsafe {
            bindings::split_huge_pmd((*vmf).__bindgen_anon_1.vma, (*vmf).pmd, self.address());
            bindings::count_vm_event(bindings::vm_event_item_THP_FAULT_FALLBACK);
        }
    }

    /// Counts the fault as a major one: it had to wait for the filesystem to allocate a block.
    pub fn count_major(&self) {
        let event = bindings::vm_event_item_PGMAJFAULT;
        // SAFETY:
        // - The area is valid and locked, by the type invariants, and keeps its address space.
        // - The event is one that the kernel counts.
        unsafe {
            bindings::count_vm_event(event);
            bindings::count_memcg_event_mm((*self.vma().as_ptr()).vm_mm, event);
        }
    }

    /// Makes the bytes of the file from `start` to `end`, both included, durable, with the metadata
    /// that is needed to find them (`vfs_fsync_range()`). Sleeps.
    pub fn sync_file_data(&self, start: i64, end: i64) -> Result {
        const DATASYNC: c_int = 1;
        // SAFETY: The area keeps a file, by the type invariants.
        to_result(unsafe { bindings::vfs_fsync_range(self.file(), start, end, DATASYNC) })
    }
}

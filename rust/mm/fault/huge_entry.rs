// SPDX-License-Identifier: GPL-2.0

//! The entry of a page middle directory at the address of a fault.
//!
//! `vmf_insert_folio_pmd()` of C would do, but for a warning: if another task puts a page table there
//! meanwhile (`MADV_GUARD_INSTALL` does), a store takes it for a huge page of other memory. This
//! knows tables. It deposits none for later, which only an architecture without Rust wants
//! (`arch_needs_pgtable_deposit()`).

use super::{
    zeros::HugeZeroFolio,
    FaultCode,
    VmFault, //
};
use crate::{
    bindings,
    mm::folio::Pinned,
    units::Pfn,
    warn_on_once, //
};
use core::{
    mem,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::types::NotThreadSafe;

/// What the directory has for the address of a fault. It is locked.
pub(super) enum HugeEntry<'a> {
    /// Nothing.
    Vacant(VacantHuge<'a>),
    /// A huge page.
    Occupied(OccupiedHuge<'a>),
    /// A page table: memory management goes on there when the task repeats the access.
    Table,
}

/// An entry of a directory that this task has locked.
///
/// # Invariants
///
/// - This task holds `lock`, the lock of the directory in which the fault has its entry. So no other
///   task changes the entry.
struct Locked<'a> {
    vmf: &'a VmFault,
    lock: NonNull<bindings::spinlock_t>,
    _not_send: NotThreadSafe,
}

/// An entry that refers to nothing.
///
/// # Invariants
///
/// The entry refers to no page and to no page table.
pub(super) struct VacantHuge<'a>(Locked<'a>);

/// An entry with a huge page.
///
/// # Invariants
///
/// `entry` is what the directory has there, a huge page.
pub(super) struct OccupiedHuge<'a> {
    at: Locked<'a>,
    entry: bindings::pmd_t,
}

impl VmFault {
    /// Locks the directory, and finds what it has for the address.
    #[inline]
    pub(super) fn lock_huge_entry(&self) -> HugeEntry<'_> {
        let at = Locked::new(self);
        // SAFETY: The directory entry is valid while the area is locked, by the type invariants.
        // Other tasks change it under the lock, and the CPU with one store; this reads it with one
        // load.
        let entry = unsafe { ptr::read_volatile(at.entry()) };
        // SAFETY: The functions read the value, and nothing that it refers to.
        unsafe {
            if bindings::pmd_none(entry) {
                // INVARIANT: Just seen.
                HugeEntry::Vacant(VacantHuge(at))
            } else if bindings::pmd_trans_huge(entry) {
                // INVARIANT: Just seen.
                HugeEntry::Occupied(OccupiedHuge { at, entry })
            } else {
                HugeEntry::Table
            }
        }
    }

    /// The first address of the memory that the directory entry is for.
    #[inline]
    fn huge_address(&self) -> usize {
        self.address() & !(bindings::HPAGE_PMD_SIZE as usize - 1)
    }
}

impl<'a> Locked<'a> {
    /// Locks the directory in which the fault has its entry.
    #[inline]
    fn new(vmf: &'a VmFault) -> Self {
        // SAFETY:
        // - The fault is valid, by the type invariants, and its area keeps the address space.
        // - The directory entry stays while the area is locked.
        let lock = unsafe { bindings::pmd_lock((*vmf.vma().as_ptr()).vm_mm, (*vmf.as_raw()).pmd) };
        // INVARIANT: Just locked.
        Self {
            vmf,
            // SAFETY: The function returns the lock that it has taken.
            lock: unsafe { NonNull::new_unchecked(lock) },
            _not_send: NotThreadSafe,
        }
    }

    /// The entry, valid while this exists.
    #[inline]
    fn entry(&self) -> *mut bindings::pmd_t {
        // SAFETY: The fault is valid, by the type invariants; the field does not change.
        unsafe { (*self.vmf.as_raw()).pmd }
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: This task holds the lock, by the type invariants.
        unsafe { bindings::spin_unlock(self.lock.as_ptr()) };
    }
}

impl VacantHuge<'_> {
    /// Maps `folio`, which has the order of a PMD; for writing, and dirty, if `write`. The entry has
    /// the reference to the folio from then on.
    #[inline]
    pub(super) fn map(self, folio: Pinned<'_>, write: bool) -> FaultCode {
        if warn_on_once!(folio.order() != bindings::PMD_ORDER) {
            return FaultCode::SIGBUS;
        }
        let (vmf, at, raw) = (self.0.vmf, self.0.entry(), folio.as_raw());
        let (vma, address) = (vmf.vma().as_ptr(), vmf.huge_address());
        // SAFETY:
        // - The area is valid and locked, by the type invariants of the fault, and keeps its
        //   address space.
        // - The folio is valid, begins with its first page, has as many pages as a directory entry
        //   maps, and a reference, which the entry gets.
        // - `at` is the entry for the address, in a directory that this task has locked, by the
        //   invariants of `Locked`. It refers to nothing, by the type invariants.
        unsafe {
            let pages = bindings::HPAGE_PMD_NR as isize;
            bindings::add_mm_counter_file((*vma).vm_mm, raw, pages);
            bindings::folio_add_file_rmap_pmd(raw, folio.first_page(), vma);
            bindings::set_file_pmd(vma, address, at, raw, write);
        }
        mem::forget(folio);
        FaultCode::NOPAGE
    }

    /// Maps the huge folio of zeros.
    #[inline]
    pub(super) fn map_zeros(self, zero: HugeZeroFolio<'_>) -> FaultCode {
        let (vmf, at) = (self.0.vmf, self.0.entry());
        let (vma, address) = (vmf.vma().as_ptr(), vmf.huge_address());
        // SAFETY:
        // - The area is valid and locked, by the type invariants of the fault.
        // - The address space keeps the folio, by the invariants of `HugeZeroFolio`; the entry has
        //   no reference and no count.
        // - `at` is the entry for the address, in a directory that this task has locked, by the
        //   invariants of `Locked`. It refers to nothing, by the type invariants.
        unsafe { bindings::set_zero_pmd(vma, address, at, zero.folio().as_raw()) };
        FaultCode::NOPAGE
    }
}

impl OccupiedHuge<'_> {
    /// Allows writing to the huge page, and marks it dirty, if it begins with the frame `pfn`.
    #[inline]
    pub(super) fn allow_writing(self, pfn: Pfn) -> FaultCode {
        let (vmf, at) = (self.at.vmf, self.at.entry());
        let (vma, address) = (vmf.vma().as_ptr(), vmf.huge_address());
        // SAFETY: The function reads the value.
        let there = Pfn::new(unsafe { bindings::pmd_pfn(self.entry) });
        if there != pfn {
            // The fault has unmapped what the file had before.
            // SAFETY: The function reads the value.
            warn_on_once!(!unsafe { bindings::is_huge_zero_pmd(self.entry) });
            return FaultCode::NOPAGE;
        }
        // SAFETY:
        // - The area is valid and locked, by the type invariants of the fault.
        // - `at` is the entry for the address, in a directory that this task has locked, by the
        //   invariants of `Locked`. It keeps its page: only the permission and the marks change.
        unsafe { bindings::pmd_allow_write(vma, address, at, self.entry) };
        FaultCode::NOPAGE
    }
}

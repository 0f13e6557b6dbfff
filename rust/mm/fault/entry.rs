// SPDX-License-Identifier: GPL-2.0

//! The entry of a page table at the address of a fault.
//!
//! `vmf_insert_page_mkwrite()` of C would do, but for three of its answers. If another task frees
//! the page table meanwhile (`MADV_DONTNEED` frees one that has become empty), it says that there
//! is no memory. If the entry is a marker, by which userfaultfd write-protects a page that is not
//! mapped, a store gets a warning and SIGBUS, and a load finds the marker again for ever. And it
//! makes a page writable that userfaultfd has just write-protected. So this does the work of
//! `insert_page()`, with the answers of `finish_fault()` and `set_pte_range()`.

use super::{
    zeros::ZeroPage,
    FaultCode,
    PmdState,
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
use kernel::{
    prelude::*,
    types::NotThreadSafe, //
};

/// What the page table has for the address of a fault. The table is locked.
pub(super) enum Entry<'a> {
    /// No page.
    Vacant(Vacant<'a>),
    /// A page.
    Occupied(Occupied<'a>),
    /// Something that is no affair of a file, a guard region for example: memory management meets it
    /// when the task repeats the access.
    Other,
}

/// An entry, in a page table that this task has locked.
///
/// # Invariants
///
/// - `entry` is the entry for the address of `vmf`, in a page table of its address space.
/// - This task holds `lock`, the lock of that table. So the table stays, and no other task changes
///   the entry.
struct Locked<'a> {
    vmf: &'a VmFault,
    entry: NonNull<bindings::pte_t>,
    lock: NonNull<bindings::spinlock_t>,
    _not_send: NotThreadSafe,
}

/// An entry without a page.
///
/// # Invariants
///
/// The entry refers to no page.
pub(super) struct Vacant<'a> {
    at: Locked<'a>,
    /// Userfaultfd wants to know of the first write (`PTE_MARKER_UFFD_WP`).
    marked: bool,
}

/// An entry with a page.
///
/// # Invariants
///
/// `entry` is what the page table has there, a present entry.
pub(super) struct Occupied<'a> {
    at: Locked<'a>,
    entry: bindings::pte_t,
}

impl VmFault {
    /// Locks the page table, and finds what it has for the address. May sleep to allocate a table.
    ///
    /// Fails with the code of the fault: `OOM` if there is no memory for a table; `NOPAGE` if
    /// another task has freed the table, or has put a huge page in its place.
    #[inline]
    pub(super) fn lock_entry(&self) -> Result<Entry<'_>, FaultCode> {
        let at = match Locked::new(self) {
            Some(at) => at,
            None => self.lock_new_table()?,
        };
        // SAFETY: The entry is valid, by the type invariants. Other tasks change it under the lock,
        // and the CPU with one store; this reads it with one load.
        let entry = unsafe { at.entry.read_volatile() };
        // SAFETY: The function reads the value, and nothing that it refers to.
        if unsafe { bindings::pte_none(entry) } {
            // INVARIANT: It refers to nothing.
            Ok(Entry::Vacant(Vacant { at, marked: false }))
        } else {
            Ok(at.tell(entry))
        }
    }

    /// Puts a page table into the directory, unless another task is faster, and locks it.
    #[cold]
    #[inline(never)]
    fn lock_new_table(&self) -> Result<Locked<'_>, FaultCode> {
        if self.pmd_state() == PmdState::Empty {
            self.allocate_table()?;
        }
        Locked::new(self).ok_or(FaultCode::NOPAGE)
    }

    /// Puts a page table into the directory, unless another task is faster. May sleep.
    fn allocate_table(&self) -> Result<(), FaultCode> {
        // SAFETY:
        // - The fault is valid, by the type invariants, and its area keeps the address space.
        // - The directory entry is the one for the address, and stays while the area is locked.
        let result = unsafe {
            let (mm, pmd) = ((*self.vma().as_ptr()).vm_mm, (*self.as_raw()).pmd);
            bindings::__pte_alloc(mm, pmd)
        };
        match result {
            0 => Ok(()),
            _ => Err(FaultCode::OOM),
        }
    }
}

impl<'a> Locked<'a> {
    /// Locks the page table for the address of the fault, if there is one.
    #[inline]
    fn new(vmf: &'a VmFault) -> Option<Self> {
        let mut lock = ptr::null_mut();
        // SAFETY:
        // - The fault is valid, by the type invariants, and its area keeps the address space.
        // - The directory entry is the one for the address, and stays while the area is locked.
        // - `lock` is valid for a write.
        let entry = unsafe {
            let (mm, pmd) = ((*vmf.vma().as_ptr()).vm_mm, (*vmf.as_raw()).pmd);
            bindings::pte_offset_map_lock(mm, pmd, vmf.address(), &mut lock)
        };
        // INVARIANT: The function has locked the table that the directory entry refers to, and
        // returns the entry for the address in it; or NULL.
        Some(Self {
            vmf,
            entry: NonNull::new(entry)?,
            // SAFETY: The function has set `lock`, as it does not return NULL.
            lock: unsafe { NonNull::new_unchecked(lock) },
            _not_send: NotThreadSafe,
        })
    }

    /// What `entry` is, which is there and not empty.
    #[inline]
    fn tell(self, entry: bindings::pte_t) -> Entry<'a> {
        // SAFETY: The functions read the value, and nothing that it refers to.
        unsafe {
            if bindings::pte_present(entry) {
                // INVARIANT: Just seen.
                Entry::Occupied(Occupied { at: self, entry })
            } else if bindings::pte_is_uffd_wp_marker(entry) {
                let marked = self.vmf.has_writes_reported();
                // INVARIANT: A marker refers to nothing.
                Entry::Vacant(Vacant { at: self, marked })
            } else {
                Entry::Other
            }
        }
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `pte_offset_map_lock()` has mapped and locked the table, and this task holds the
        // lock, by the type invariants.
        unsafe { bindings::pte_unmap_unlock(self.entry.as_ptr(), self.lock.as_ptr()) };
    }
}

impl Vacant<'_> {
    /// Maps the frame `pfn`, which is in `folio`; for writing, and dirty, if `write`. The entry has
    /// the reference to the folio from then on.
    ///
    /// Where userfaultfd wants to know of the first write the page is read-only. The task repeats
    /// the access, and memory management tells userfaultfd before it has the page made writable.
    #[inline]
    pub(super) fn map(self, folio: Pinned<'_>, pfn: Pfn, write: bool) -> FaultCode {
        let Some(page) = folio.page(pfn) else {
            return FaultCode::SIGBUS;
        };
        let (vma, raw) = (self.at.vmf.vma().as_ptr(), folio.as_raw());
        // SAFETY:
        // - The area is valid and locked, by the type invariants of the fault, and keeps its
        //   address space.
        // - The folio is valid and has a reference, and the page is one of it.
        // - This task holds the lock of the page table, by the type invariants.
        let entry = unsafe {
            bindings::add_mm_counter_file((*vma).vm_mm, raw, 1);
            bindings::folio_add_file_rmap_ptes(raw, page, 1, vma);
            bindings::mk_file_pte(vma, page, write)
        };
        // SAFETY: The page is counted as mapped, and the entry gets the reference of `folio`.
        unsafe { self.fill(entry) };
        mem::forget(folio);
        FaultCode::NOPAGE
    }

    /// Maps the page of zeros.
    #[inline]
    pub(super) fn map_zeros(self, zero: ZeroPage) -> FaultCode {
        let vma = self.at.vmf.vma().as_ptr();
        // SAFETY: The area is valid and locked, by the type invariants of the fault.
        let entry = unsafe { bindings::mk_zero_pte(vma, zero.pfn().number()) };
        // SAFETY: The zero page is never freed. Special entries have no reference and no count.
        unsafe { self.fill(entry) };
        FaultCode::NOPAGE
    }

    /// Stores the entry, write-protected if it is marked.
    ///
    /// # Safety
    ///
    /// `entry` must be that of a page, with the protection of the area, and come with the reference
    /// and the counts that an entry of this kind has.
    #[inline]
    unsafe fn fill(self, mut entry: bindings::pte_t) {
        let (vmf, at) = (self.at.vmf, self.at.entry.as_ptr());
        let vma = vmf.vma().as_ptr();
        // SAFETY:
        // - The area is valid and locked, by the type invariants of the fault, and keeps its
        //   address space.
        // - `at` is the entry for the address, in a table that this task has locked, by the
        //   invariants of `Locked`. It refers to no page, by the type invariants.
        // - What `entry` refers to is there, and counted, as the caller ensures.
        unsafe {
            if self.marked {
                entry = bindings::pte_mkuffd(entry);
            }
            bindings::set_pte_at(vma, vmf.address(), at, entry);
        }
    }
}

impl Occupied<'_> {
    /// Allows writing to the page, if it is the frame `pfn`.
    ///
    /// If userfaultfd write-protects the page this leaves it as it is: the task repeats the access,
    /// and memory management tells userfaultfd first.
    pub(super) fn allow_writing(self, pfn: Pfn) -> FaultCode {
        let (vmf, at) = (self.at.vmf, self.at.entry.as_ptr());
        let vma = vmf.vma().as_ptr();
        // SAFETY: The function reads the value, and nothing that it refers to.
        let there = Pfn::new(unsafe { bindings::pte_pfn(self.entry) });
        if there != pfn {
            // The fault has unmapped what the file had before.
            // SAFETY: The function takes any number.
            warn_on_once!(!unsafe { bindings::is_zero_pfn(there.number()) });
            return FaultCode::SIGBUS;
        }
        // SAFETY: The function reads the value, and nothing that it refers to.
        if vmf.has_writes_reported() && unsafe { bindings::pte_uffd(self.entry) } {
            return FaultCode::NOPAGE;
        }
        // SAFETY:
        // - The area is valid and locked, by the type invariants of the fault.
        // - `at` is the entry for the address, in a table that this task has locked, by the
        //   invariants of `Locked`. It keeps its page: only the permission and the marks change.
        unsafe { bindings::pte_allow_write(vma, vmf.address(), at, self.entry) };
        FaultCode::NOPAGE
    }
}

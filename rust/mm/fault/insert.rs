// SPDX-License-Identifier: GPL-2.0

//! Inserting pages into page tables.

use super::{
    entry::Entry,
    zeros::ZeroPage,
    FaultCode,
    VmFault, //
};
#[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
use super::{
    huge_entry::HugeEntry,
    zeros::HugeZeroFolio, //
};
use crate::{
    mm::folio::Pinned,
    units::Pfn, //
};

impl VmFault {
    /// Maps the frame `pfn` at the address; for writing, and dirty, if `write`. `pin` is called if it
    /// is not mapped yet, and must give the folio that the frame is in, without sleeping.
    ///
    /// `NOPAGE` if the page is mapped now, by this task or another, or if the task has to try again;
    /// `SIGBUS` if the frame is not one of the folio's; `OOM` if there is no memory for a page
    /// table. Takes the lock of the page table, may sleep to allocate one.
    ///
    /// A page that userfaultfd write-protects (`UFFDIO_WRITEPROTECT`, `PM_SCAN_WP_MATCHING`) stays
    /// so, and the access is tried again, so that it is reported.
    #[inline]
    pub fn insert_page<'a>(
        &self,
        pfn: Pfn,
        write: bool,
        pin: impl FnOnce() -> Pinned<'a>,
    ) -> FaultCode {
        match self.lock_entry() {
            Ok(Entry::Vacant(entry)) => entry.map(pin(), pfn, write),
            Ok(Entry::Occupied(entry)) if write => entry.allow_writing(pfn),
            Ok(_) => FaultCode::NOPAGE,
            Err(code) => code,
        }
    }

    /// Maps the folio that begins with the frame `pfn`, and has the order of a PMD, around the
    /// address; for writing, and dirty, if `write`. `pin` is called if it is not mapped yet, and must
    /// give the folio, without sleeping.
    ///
    /// `NOPAGE` if it is mapped now, by this task or another, or if the task has to try again;
    /// `SIGBUS` for a folio of another order. Takes the lock of the directory.
    ///
    /// For areas of which userfaultfd wants to know what is written, there is
    /// [`VmFault::insert_page`].
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    #[inline]
    pub fn insert_folio_pmd<'a>(
        &self,
        pfn: Pfn,
        write: bool,
        pin: impl FnOnce() -> Pinned<'a>,
    ) -> FaultCode {
        match self.lock_huge_entry() {
            HugeEntry::Vacant(entry) => entry.map(pin(), write),
            HugeEntry::Occupied(entry) if write => entry.allow_writing(pfn),
            HugeEntry::Occupied(_) | HugeEntry::Table => FaultCode::NOPAGE,
        }
    }

    /// Maps the page of zeros at the address, for reading. As [`VmFault::insert_page`]; `SIGBUS` if
    /// the area is not one for zeros.
    #[inline]
    pub fn insert_zero_page(&self, zero: ZeroPage) -> FaultCode {
        if !self.may_have_zeros() {
            return FaultCode::SIGBUS;
        }
        match self.lock_entry() {
            Ok(Entry::Vacant(entry)) => entry.map_zeros(zero),
            Ok(_) => FaultCode::NOPAGE,
            Err(code) => code,
        }
    }

    /// Maps the huge folio of zeros around the address, for reading. As
    /// [`VmFault::insert_folio_pmd`].
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    #[inline]
    pub fn insert_huge_zero_folio(&self, zero: HugeZeroFolio<'_>) -> FaultCode {
        match self.lock_huge_entry() {
            HugeEntry::Vacant(entry) => entry.map_zeros(zero),
            HugeEntry::Occupied(_) | HugeEntry::Table => FaultCode::NOPAGE,
        }
    }
}

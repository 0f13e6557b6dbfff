// SPDX-License-Identifier: GPL-2.0

//! Folios of memory that belongs to a DAX device and to files (`MEMORY_DEVICE_FS_DAX`).
//!
//! They come and go with the entries in the arrays of pages of files, not with an allocator: a
//! frame that no entry has is a folio of one page without references, an entry of many pages makes
//! their frames one folio, and the last entry of a folio takes it apart again.

use super::Folio;
use crate::{
    bindings,
    fs::mapping::AddressSpace,
    units::{
        PageIndex,
        Pfn, //
    },
    warn_on_once,
    xarray::Guard, //
};
use core::{
    num::NonZero,
    ops::Deref,
    ptr, //
};
use kernel::prelude::*;

/// A folio of a DAX device.
///
/// # Locking
///
/// To which entries a folio belongs is written under the lock of the array of pages that has, or
/// is to have, such an entry, so that whoever looks at both finds that they agree. The methods take
/// the guard of that lock as evidence. Files that share memory have different arrays, so there is
/// also a lock for the users of folios, which is taken inside of the former.
///
/// # Invariants
///
/// The memory is of the type `MEMORY_DEVICE_FS_DAX`. Nobody frees it: it is idle when it has no
/// references.
#[repr(transparent)]
pub struct DeviceFolio(Folio);

/// How many entries of arrays of pages have a folio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usage {
    /// None.
    Free,
    /// One; the folio knows which (`folio->mapping`, `folio->index`).
    Owned,
    /// So many; the folio does not know which (`folio->share`, which is in the place of the index).
    Shared(NonZero<usize>),
}

impl Deref for DeviceFolio {
    type Target = Folio;

    #[inline]
    fn deref(&self) -> &Folio {
        &self.0
    }
}

impl DeviceFolio {
    /// The folio that C calls `folio`.
    ///
    /// # Safety
    ///
    /// `folio` must be a folio of memory of the type `MEMORY_DEVICE_FS_DAX` that is there for `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(folio: *mut bindings::folio) -> &'a Self {
        // CAST: `DeviceFolio` is transparent to `Folio`, and that to the C structure.
        // SAFETY: The caller ensures that it is valid.
        // INVARIANT: As the caller ensures.
        unsafe { &*folio.cast() }
    }

    /// The folio which the frame is a part of.
    ///
    /// # Safety
    ///
    /// The frame must be memory of the type `MEMORY_DEVICE_FS_DAX` that is there for `'a`.
    #[inline]
    pub unsafe fn of_frame<'a>(pfn: Pfn) -> &'a Self {
        // SAFETY: The caller ensures that there is a `struct page` for the frame.
        let folio = unsafe { bindings::pfn_folio(pfn.number()) };
        // SAFETY: The caller ensures the rest.
        unsafe { Self::from_raw(folio) }
    }

    /// Keeps the folio busy until the result is dropped.
    ///
    /// Other than for memory of an allocator this may be the first reference.
    #[inline]
    pub fn pin(&self) -> Pinned<'_> {
        // SAFETY: Valid by the type invariants.
        unsafe { bindings::folio_ref_inc(self.as_raw()) };
        Pinned(self)
    }

    /// Whether somebody uses the folio who does not have it mapped: I/O in flight, for one.
    #[inline]
    pub fn is_busy(&self) -> bool {
        self.references() != self.mappings()
    }

    /// Whether somebody uses the folio, when the one entry that has it was just taken out of all page
    /// tables, and no fault puts it back; as [`DeviceFolio::is_busy`] if several entries have it.
    ///
    /// Who takes a page table apart, for `MADV_DONTNEED`, first makes it unreachable and then forgets
    /// the mappings that were in it (`zap_pte_range()`). Until then they count, but nobody who unmaps
    /// the folio meets them, or waits for the lock that they are under.
    #[inline]
    pub fn is_busy_unmapped(&self) -> bool {
        if self.owner().is_some() {
            self.references() != 0
        } else {
            self.is_busy()
        }
    }

    /// Notes that one more entry has the frames from `pfn` on: that of 2^`order` pages at `index` of
    /// the file whose array is locked.
    ///
    /// `shared` says that the filesystem lets several files have the memory. Without it the frames
    /// must be nobody's, which a warning enforces. Fails, and does nothing, if others have some of
    /// the frames, but not as one folio.
    ///
    /// # Safety
    ///
    /// The frames must be memory of the type `MEMORY_DEVICE_FS_DAX`, and `pfn` a multiple of their
    /// number. The caller must store that entry before it unlocks the array, and when it removes it
    /// call [`DeviceFolio::disassociate`].
    pub unsafe fn associate(
        pfn: Pfn,
        order: u32,
        index: PageIndex,
        shared: bool,
        lock: &Guard<'_, '_>,
    ) -> Result<(), InUse> {
        let users = Users::lock(pfn);
        // SAFETY: As the caller ensures. It stays a folio while the users are locked.
        let folio = unsafe { Self::of_frame(pfn) };
        if shared && order > folio.order() && !folio.have_no_users(order, &users) {
            return Err(InUse);
        }
        match folio.usage(&users).with_one_more(shared) {
            Some(count) => folio.set_shared(count, &users),
            None => {
                folio.join(order);
                folio.set_owner(lock.mapping(), index, &users);
            }
        }
        Ok(())
    }

    /// Notes that one entry less has the frames from `pfn` on. The last takes the folio apart.
    ///
    /// With [`References::None`] it is a bug, and a warning, if somebody has a reference to a page.
    ///
    /// # Safety
    ///
    /// The caller must remove an entry for which [`DeviceFolio::associate`] was called, before it
    /// unlocks the array, and nobody may refer to the folio by way of that entry any more.
    pub unsafe fn disassociate(pfn: Pfn, references: References, _lock: &Guard<'_, '_>) {
        let users = Users::lock(pfn);
        // SAFETY: As it was when the entry was made; it stays a folio as long as there is the entry.
        let folio = unsafe { Self::of_frame(pfn) };
        match folio.usage(&users).with_one_less() {
            Some(count) => folio.set_shared(count, &users),
            None => {
                // SAFETY: The caller removes the last entry.
                let order = unsafe { folio.take_apart() };
                if order != 0 || references == References::None {
                    folio.check_idle(order);
                }
            }
        }
    }

    /// How many entries have the folio.
    #[inline]
    fn usage(&self, _users: &Users) -> Usage {
        let folio = self.as_raw();
        // SAFETY: Valid by the type invariants, and the lock is held.
        unsafe {
            let fields = &raw const (*folio).__bindgen_anon_1.__bindgen_anon_1;
            if !(*fields).mapping.is_null() {
                return Usage::Owned;
            }
            NonZero::new((*fields).__bindgen_anon_2.share).map_or(Usage::Free, Usage::Shared)
        }
    }

    /// Whether nobody has any of 2^`order` pages, of which this is the first.
    #[cold]
    fn have_no_users(&self, order: u32, users: &Users) -> bool {
        (0..1 << order).all(|i| {
            // CAST: A page that is no part of a larger folio is one, and a larger one begins here.
            // SAFETY: Valid by the type invariants, as all of the range is memory of the device.
            let page = unsafe { Self::from_raw(self.first_page().add(i).cast()) };
            page.order() == 0 && page.usage(users) == Usage::Free
        })
    }

    /// Notes that the one entry which has the folio is that of `mapping` at `index`.
    #[inline]
    fn set_owner(&self, mapping: &AddressSpace, index: PageIndex, _users: &Users) {
        // SAFETY: The lock is held.
        unsafe { self.set_usage(mapping.as_raw(), index.0) };
    }

    /// Notes that `count` entries have the folio.
    #[inline]
    fn set_shared(&self, count: NonZero<usize>, _users: &Users) {
        // SAFETY: The lock is held.
        unsafe { self.set_usage(ptr::null_mut(), count.get()) };
    }

    /// Sets the owner, or none, and the index or count that goes with it.
    ///
    /// # Safety
    ///
    /// Others must not do the same.
    #[inline]
    unsafe fn set_usage(&self, mapping: *mut bindings::address_space, word: usize) {
        let folio = self.as_raw();
        // SAFETY: Valid by the type invariants; the caller ensures that there are no other writers,
        // and readers without a lock load each once and check the mapping under that of its array.
        unsafe {
            let fields = &raw mut (*folio).__bindgen_anon_1.__bindgen_anon_1;
            (&raw mut (*fields).mapping).write_volatile(mapping);
            (&raw mut (*fields).__bindgen_anon_2.share).write_volatile(word);
        }
    }

    /// Makes 2^`order` frames, of which this is the first, one folio (`prep_compound_page()`).
    #[inline]
    fn join(&self, order: u32) {
        warn_on_once!(self.order() != 0);
        if order != 0 {
            self.join_pages(order);
        }
    }

    fn join_pages(&self, order: u32) {
        let folio = self.as_raw();
        // SAFETY: Valid by the type invariants, and no entry has one of the pages, so that nobody
        // else does anything to them.
        unsafe {
            bindings::prep_compound_page(self.first_page(), order);
            if order > 1 {
                // The third page has it.
                bindings::INIT_LIST_HEAD(
                    &raw mut (*folio).__bindgen_anon_3.__bindgen_anon_1._deferred_list,
                );
            }
        }
        warn_on_once!(self.references() != 0);
    }

    /// Makes every page a folio without an owner, and returns the order that the folio had.
    ///
    /// # Safety
    ///
    /// No entry may have the folio, and nobody may give it to one meanwhile.
    pub unsafe fn take_apart(&self) -> u32 {
        let order = self.order();
        let folio = self.as_raw();
        // SAFETY: Valid by the type invariants. The caller ensures that the pages are nobody's.
        unsafe {
            let pgmap = (*folio)
                .__bindgen_anon_1
                .__bindgen_anon_1
                .__bindgen_anon_1
                .pgmap;
            if order != 0 {
                bindings::folio_reset_order(folio);
                bindings::folio_clear_head(folio);
            }
            for i in 0..1 << order {
                // CAST: Each page is a folio now.
                let page = Self::from_raw(self.first_page().add(i).cast());
                let fields = &raw mut (*page.as_raw()).__bindgen_anon_1.__bindgen_anon_1;
                // The device is where a page other than the first had the first one.
                (&raw mut (*fields).__bindgen_anon_1.pgmap).write_volatile(pgmap);
                page.set_usage(ptr::null_mut(), 0);
            }
        }
        order
    }

    /// Warns if there are references to one of the pages that a folio of the order was made of.
    fn check_idle(&self, order: u32) {
        for i in 0..1 << order {
            // CAST: Each page is a folio now.
            // SAFETY: Valid by the type invariants: the pages were those of this folio.
            let page = unsafe { Self::from_raw(self.first_page().add(i).cast()) };
            warn_on_once!(page.references() != 0);
        }
    }
}

/// Who may have references to a folio that an entry gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum References {
    /// Nobody.
    None,
    /// Somebody, if the folio is one page, which stays a folio. A larger one is taken apart, and its
    /// references would be given back to the wrong page.
    ToOnePage,
}

/// Other files have some of the pages, but not as one folio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InUse;

/// The lock of what says to which entries folios belong.
///
/// Interrupts are off, since the lock of an array of pages is held.
///
/// # Invariants
///
/// The lock is held that is for all folios in the range of the size of a PMD which has the frame.
struct Users(Pfn);

impl Users {
    #[inline]
    fn lock(pfn: Pfn) -> Self {
        // SAFETY: The function takes any frame number.
        unsafe { bindings::folio_users_lock(pfn.number()) };
        // INVARIANT: Just locked.
        Self(pfn)
    }
}

impl Drop for Users {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Locked by the type invariants.
        unsafe { bindings::folio_users_unlock(self.0.number()) };
    }
}

impl Usage {
    /// How many entries share the folio with one more that has it; [`None`] if that one owns it.
    #[inline]
    fn with_one_more(self, shared: bool) -> Option<NonZero<usize>> {
        let others = match self {
            Self::Free => return None,
            Self::Owned => NonZero::<usize>::MIN,
            Self::Shared(count) => count,
        };
        warn_on_once!(!shared && self == Self::Owned);
        Some(others.saturating_add(1))
    }

    /// How many entries share the folio with one less that has it; [`None`] if that was the last.
    #[inline]
    fn with_one_less(self) -> Option<NonZero<usize>> {
        match self {
            Self::Free | Self::Owned => None,
            Self::Shared(count) => NonZero::new(count.get() - 1),
        }
    }
}

/// A folio of a DAX device with a reference to it.
#[must_use = "the reference is dropped immediately when this is unused"]
pub struct Pinned<'a>(&'a DeviceFolio);

impl Pinned<'_> {
    /// The page of the frame, as C names it, if it is one of the folio's.
    #[inline]
    pub(crate) fn page(&self, pfn: Pfn) -> Option<*mut bindings::page> {
        let offset = pfn.number().wrapping_sub(self.pfn().number());
        if offset >> self.order() != 0 {
            return None;
        }
        // SAFETY: Valid by the type invariants of the folio, as this is one of its pages.
        Some(unsafe { self.first_page().add(offset) })
    }
}

impl Deref for Pinned<'_> {
    type Target = DeviceFolio;

    #[inline]
    fn deref(&self) -> &DeviceFolio {
        self.0
    }
}

impl Drop for Pinned<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Valid by the type invariants; the reference was taken by `DeviceFolio::pin`.
        unsafe { bindings::folio_put(self.as_raw()) };
    }
}

#[kunit_tests(rust_device_folio)]
mod tests {
    use super::*;

    fn shared(count: usize) -> Usage {
        NonZero::new(count).map_or(Usage::Free, Usage::Shared)
    }

    #[test]
    fn one_more_and_one_less() {
        for (before, after) in [
            (Usage::Free, None),
            (Usage::Owned, Some(2)),
            (shared(1), Some(2)),
            (shared(2), Some(3)),
            (shared(usize::MAX), Some(usize::MAX)),
        ] {
            assert_eq!(before.with_one_more(true), after.and_then(NonZero::new));
        }
        // What was shared and is not any more still has the others that are counted.
        assert_eq!(shared(1).with_one_more(false), NonZero::new(2));
        assert_eq!(Usage::Free.with_one_more(false), None);

        for (before, after) in [
            (Usage::Free, None),
            (Usage::Owned, None),
            (shared(1), None),
            (shared(2), Some(1)),
            (shared(3), Some(2)),
        ] {
            assert_eq!(before.with_one_less(), after.and_then(NonZero::new));
        }
    }
}

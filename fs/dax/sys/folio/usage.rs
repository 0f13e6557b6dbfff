// SPDX-License-Identifier: GPL-2.0

//! How many entries have a folio.

use super::DeviceFolio;
use core::{
    num::NonZero,
    ptr, //
};
use kernel::prelude::*;
use kernel_ext::{
    bindings,
    fs::mapping::AddressSpace,
    units::{
        PageIndex,
        Pfn, //
    },
    warn_on_once, //
};

/// The lock of the fields that say to which entries folios belong.
///
/// Interrupts are off, since the caller holds an i_pages lock.
///
/// # Invariants
///
/// This task holds the lock that is for all folios in the range of the size of a PMD which has the
/// frame.
pub(super) struct Users(Pfn);

impl Users {
    #[inline]
    pub(super) fn lock(pfn: Pfn) -> Self {
        // SAFETY: Any frame number has a lock; the function has no other condition.
        unsafe { bindings::fs_dax_folio_users_lock(pfn.number()) };
        // INVARIANT: Just locked.
        Self(pfn)
    }
}

impl Drop for Users {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: This task holds the lock, by the type invariants.
        unsafe { bindings::fs_dax_folio_users_unlock(self.0.number()) };
    }
}

/// How many entries have a folio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// None.
    Free,
    /// One; the folio knows which (`folio->mapping`, `folio->index`).
    Owned,
    /// So many; the folio does not know which (`folio->share`, which is in the place of the index).
    Shared(NonZero<usize>),
}

impl Usage {
    /// How many entries share the folio with one more that has it; [`None`] if that one owns it.
    #[inline]
    pub(super) fn with_one_more(self, shared: bool) -> Option<NonZero<usize>> {
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
    pub(super) fn with_one_less(self) -> Option<NonZero<usize>> {
        match self {
            Self::Free | Self::Owned => None,
            Self::Shared(count) => NonZero::new(count.get() - 1),
        }
    }
}

impl DeviceFolio {
    /// How many entries have the folio.
    #[inline]
    pub(super) fn usage(&self, _users: &Users) -> Usage {
        let folio = self.as_raw();
        // SAFETY:
        // - The structure is valid, by the type invariants.
        // - The lock of the users is held, so that the fields do not change.
        unsafe {
            let fields = &raw const (*folio).__bindgen_anon_1.__bindgen_anon_1;
            if !(*fields).mapping.is_null() {
                return Usage::Owned;
            }
            NonZero::new((*fields).__bindgen_anon_2.share).map_or(Usage::Free, Usage::Shared)
        }
    }

    /// Notes that the one entry which has the folio is that of `mapping` at `index`.
    #[inline]
    pub(super) fn set_owner(&self, mapping: &AddressSpace, index: PageIndex, _users: &Users) {
        // SAFETY: The lock of the users is held.
        unsafe { self.set_usage(mapping.as_raw(), index.0) };
    }

    /// Notes that `count` entries have the folio.
    #[inline]
    pub(super) fn set_shared(&self, count: NonZero<usize>, _users: &Users) {
        // SAFETY: The lock of the users is held.
        unsafe { self.set_usage(ptr::null_mut(), count.get()) };
    }

    /// Notes that no entry has the folio.
    ///
    /// # Safety
    ///
    /// No other task may change the usage of the folio: the caller holds the lock of its users, or
    /// no entry can get it.
    #[inline]
    pub(super) unsafe fn set_free(&self) {
        // SAFETY: The caller keeps other writers out.
        unsafe { self.set_usage(ptr::null_mut(), 0) };
    }

    /// Sets the owner, or none, and the index or count that goes with it.
    ///
    /// # Safety
    ///
    /// No other task may change the usage of the folio meanwhile.
    #[inline]
    unsafe fn set_usage(&self, mapping: *mut bindings::address_space, word: usize) {
        let folio = self.as_raw();
        // SAFETY:
        // - The structure is valid, by the type invariants.
        // - There are no other writers, as the caller ensures. Readers without a lock load each field
        //   once, and check the mapping again under that mapping's i_pages lock.
        unsafe {
            let fields = &raw mut (*folio).__bindgen_anon_1.__bindgen_anon_1;
            (&raw mut (*fields).mapping).write_volatile(mapping);
            (&raw mut (*fields).__bindgen_anon_2.share).write_volatile(word);
        }
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
        // A folio that was shared and is not any more still has the other entries that are counted.
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

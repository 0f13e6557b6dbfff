// SPDX-License-Identifier: GPL-2.0

//! Folios and the entries that have them.
//!
//! [`Guard`](crate::sys::guard::Guard) calls this when it puts an entry into the array of a file or
//! takes it out.

use super::{
    usage::{
        Usage,
        Users, //
    },
    DeviceFolio,
};
use crate::sys::{
    entry::Storage,
    mapping::DaxMapping, //
};
use kernel_ext::{
    memremap::Frames,
    units::PageIndex, //
};

/// The references that a folio may have when an entry gives it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum References {
    /// None.
    None,
    /// Some, if the folio is one page, which stays a folio. A larger folio is taken apart, and its
    /// references would be given back to the wrong page.
    ToOnePage,
}

/// Other files have some of the pages, but not as one folio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InUse;

impl DeviceFolio {
    /// Notes that one more entry has `storage`: that at `index` of `mapping`.
    ///
    /// `shared` says that the filesystem lets several files have the memory. Without it no other
    /// entry may have the frames, which a warning enforces. Fails, and does nothing, if other
    /// entries have some of the frames, but not as one folio.
    ///
    /// # Safety
    ///
    /// The caller must hold the lock of the `i_pages` of `mapping`, store the entry before it
    /// releases the lock, and call [`DeviceFolio::disassociate`] when it removes the entry.
    pub(in crate::sys) unsafe fn associate(
        storage: Storage<'_>,
        index: PageIndex,
        shared: bool,
        mapping: &DaxMapping,
    ) -> Result<(), InUse> {
        let order = storage.order().log2();
        let users = Users::lock(storage.pfn());
        // It stays a folio while the users are locked.
        let folio = Self::of_storage(storage);
        if shared && order > folio.order() {
            // SAFETY: By the type invariants of `Storage`, the frames are there, and the first one
            // begins the folio that they may become.
            let free = unsafe { folio.have_no_users(order, &users) };
            if !free {
                return Err(InUse);
            }
        }
        match folio.usage(&users).with_one_more(shared) {
            Some(count) => folio.set_shared(count, &users),
            None => {
                // SAFETY:
                // - By the type invariants of `Storage`, the frames are memory of the type and
                //   there.
                // - No entry has the first frame, as its usage says. None has another of them:
                //   without `shared` the filesystem has given them to this file alone, with it that
                //   was checked.
                // - None can get one, since the lock of the users is for all of the frames.
                unsafe { folio.join(order) };
                folio.set_owner(mapping, index, &users);
            }
        }
        Ok(())
    }

    /// Notes that one entry less has `frames`. The last one takes the folio apart.
    ///
    /// With [`References::None`] it is a bug, and a warning, if there is a reference to a page.
    ///
    /// # Safety
    ///
    /// The caller must hold the i_pages lock of a file, and have removed an entry with these frames
    /// for which [`DeviceFolio::associate`] was called, since it took the lock.
    pub(in crate::sys) unsafe fn disassociate(frames: Frames<'_>, references: References) {
        let users = Users::lock(frames.first());
        // It stays a folio while the users are locked.
        let folio = Self::of(frames);
        match folio.usage(&users).with_one_less() {
            Some(count) => folio.set_shared(count, &users),
            None => {
                // SAFETY: The removed entry was the last that had the folio, as its usage says;
                // none can get it while its users are locked.
                let order = unsafe { folio.take_apart() };
                if order != 0 || references == References::None {
                    // SAFETY: These were the pages of the folio.
                    unsafe { folio.check_idle(order) };
                }
            }
        }
    }

    /// Whether no entry has any of 2^`order` pages, of which this is the first.
    ///
    /// # Safety
    ///
    /// All of the frames must be memory of the type `MEMORY_DEVICE_FS_DAX` that is there as long as
    /// the reference.
    #[cold]
    unsafe fn have_no_users(&self, order: u32, users: &Users) -> bool {
        (0..1 << order).all(|i| {
            // CAST: A page that is not part of a larger folio is one; a larger one begins here.
            // SAFETY: The frame is memory of the type and there, as the caller ensures.
            let page = unsafe { Self::from_raw(self.first_page().add(i).cast()) };
            page.order() == 0 && page.usage(users) == Usage::Free
        })
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Locking entries for the handling of memory failures (mm/memory-failure.c).
//!
//! When a page of a device has failed, memory failure kills the tasks that have it mapped.
//! Meanwhile the page must stay the same part of the same file. For DAX the lock of the entry
//! ensures that, not the page lock. C holds it by a cookie.

use crate::{
    slot::{
        Lookup,
        Peek,
        Slot, //
    },
    sys::{
        entry::Order,
        folio::DeviceFolio,
        lock::EntryLock,
        mapping::DaxMapping, //
    },
};
use core::ops::ControlFlow;
use kernel_ext::{
    fs::mapping::AddressSpace,
    memremap::Hold,
    units::{
        PageIndex,
        Pfn, //
    },
};

/// The answer to a request of C to lock an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// There is no entry that could be locked.
    Failed,
    /// No entry needs to be locked.
    NotNeeded,
    /// The entry is locked.
    Locked(EntryLock),
}

/// Locks the entry that has the folio, of the file that the folio names as `mapping`.
///
/// The caller is inside of an RCU read section, which keeps the address space. `leave` leaves it.
/// With `Continue` the folio may belong to another file by now, and the caller has to look again;
/// the address space may be gone. Sleeps in that case.
pub(crate) fn lock_owner(
    folio: &DeviceFolio,
    mapping: &AddressSpace,
    leave: impl FnOnce(),
) -> ControlFlow<Cookie> {
    let Some(dax) = DaxMapping::of(mapping) else {
        return ControlFlow::Break(Cookie::Failed);
    };
    // The pages of device-dax have no entries. The tasks that use them have the device open.
    if mapping.host().is_character_device() {
        return ControlFlow::Break(Cookie::NotNeeded);
    }
    let mut slot = Slot::new(dax, PageIndex::ZERO, Order::Pte);
    let mut lock = slot.lock();
    // The owner can change until the lock is held.
    if folio.owner() != Some(mapping.as_raw()) {
        return ControlFlow::Continue(());
    }
    lock.set_index(folio.index());
    let cookie = match lock.peek() {
        Ok(Peek::Found(found)) => Cookie::Locked(found.lock().keep_locked()),
        Err(_) => Cookie::Failed,
        Ok(Peek::Busy(busy)) => {
            busy.wait_and_release(leave);
            return ControlFlow::Continue(());
        }
    };
    ControlFlow::Break(cookie)
}

/// Locks the entry that covers the page `index`, and says which frame the page is. Sleeps.
///
/// There is no frame if there is no entry, a hole, or memory that is gone: then nothing is locked.
pub(crate) fn lock_page(mapping: &AddressSpace, index: PageIndex) -> (Cookie, Option<Pfn>) {
    let Some(mapping) = DaxMapping::of(mapping) else {
        return (Cookie::Failed, None);
    };
    let mut slot = Slot::new(mapping, index, Order::Pte);
    let Lookup::Found(found) = slot.lock().lookup() else {
        return (Cookie::NotNeeded, None);
    };
    let Some(first) = found.entry().mapped_pfn() else {
        return (Cookie::NotNeeded, None);
    };
    // In an entry of many pages this is not the first one: C would poison the wrong page.
    let pfn = first.plus(index.offset_from(found.index()));
    // The caller keeps the memory that has failed, but the entry may be of memory that its driver
    // removed earlier.
    if Hold::nothing().frames(pfn, 1).is_none() {
        return (Cookie::NotNeeded, None);
    }
    (Cookie::Locked(found.lock().keep_locked()), Some(pfn))
}

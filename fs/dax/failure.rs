// SPDX-License-Identifier: GPL-2.0

//! Locking entries for the handling of memory failures (mm/memory-failure.c).
//!
//! A page of a device has failed: whoever has it mapped is to be killed, and meanwhile nobody must
//! change what the page is. The page lock does not serve DAX, the lock of the entry does. C holds it
//! by a cookie.

mod ffi;

use crate::{
    entry::{
        Entry,
        Order, //
    },
    slot::{
        Lookup,
        Peek,
        Slot, //
    },
};
use core::ops::ControlFlow;
use kernel_ext::{
    fs::mapping::{
        AddressSpace,
        PageIndex, //
    },
    memremap::Hold,
    mm::folio::DeviceFolio,
    units::Pfn, //
};

/// What C gets for an entry that it wants to have locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cookie {
    /// There is no entry that could be locked.
    Failed,
    /// There is nothing to lock, and nothing has to be.
    NotNeeded,
    /// This entry is locked.
    Locked(Entry),
}

impl Cookie {
    /// The number that C keeps: that of an entry is neither of the others.
    const fn into_raw(self) -> usize {
        match self {
            Self::Failed => 0,
            Self::NotNeeded => !0,
            Self::Locked(entry) => entry.raw(),
        }
    }

    /// The cookie that C has as `raw`.
    fn from_raw(raw: usize) -> Self {
        match raw {
            0 => Self::Failed,
            n if n == !0 => Self::NotNeeded,
            n => Entry::from_raw(n).map_or(Self::Failed, Self::Locked),
        }
    }
}

/// Locks the entry that has the folio, of the file that the folio names as `mapping`.
///
/// The caller is inside of an RCU read section, which keeps the address space. `leave` leaves it.
/// With `Continue` the folio may belong to another file by now, and the caller has to look again; the
/// address space may be gone. Sleeps in that case.
fn lock_owner(
    folio: &DeviceFolio,
    mapping: &AddressSpace,
    leave: impl FnOnce(),
) -> ControlFlow<Cookie> {
    if !mapping.is_dax() {
        return ControlFlow::Break(Cookie::Failed);
    }
    // The pages of device-dax have no entries. Whoever has them has the device open.
    if mapping.host().is_character_device() {
        return ControlFlow::Break(Cookie::NotNeeded);
    }
    let mut slot = Slot::new(mapping, PageIndex::ZERO, Order::Pte);
    let mut lock = slot.lock();
    // Only under the lock is this the truth.
    if folio.owner() != Some(mapping.as_raw()) {
        return ControlFlow::Continue(());
    }
    lock.set_index(folio.index());
    let cookie = match lock.peek() {
        Peek::Found(found) => Cookie::Locked(found.lock().keep_locked()),
        Peek::Absent(_) => Cookie::Failed,
        Peek::Busy(busy) => {
            busy.wait_and_release(leave);
            return ControlFlow::Continue(());
        }
    };
    ControlFlow::Break(cookie)
}

/// Locks the entry that covers the page `index`, and says which frame the page is. Sleeps.
///
/// There is no frame if there is no entry, a hole, or memory that is gone: then nothing is locked.
fn lock_page(mapping: &AddressSpace, index: PageIndex) -> (Cookie, Option<Pfn>) {
    if !mapping.is_dax() {
        return (Cookie::Failed, None);
    }
    let mut slot = Slot::new(mapping, index, Order::Pte);
    let Lookup::Found(found) = slot.lock().lookup() else {
        return (Cookie::NotNeeded, None);
    };
    let Some(first) = found.entry().mapped_pfn() else {
        return (Cookie::NotNeeded, None);
    };
    // In an entry of many pages this is not the first one: C would poison the wrong page.
    let pfn = Pfn::new(first.number() + (index.0 - found.index().0));
    // The caller keeps what has failed; this is for what went earlier, with another device.
    if Hold::nothing().frames(pfn, 1).is_none() {
        return (Cookie::NotNeeded, None);
    }
    (Cookie::Locked(found.lock().keep_locked()), Some(pfn))
}

#[cfg(CONFIG_KUNIT)]
#[kernel::macros::kunit_tests(rust_fs_dax_cookie)]
mod tests {
    use super::*;

    #[test]
    fn cookies_come_back() {
        let pfn = Pfn::new(0x14_0000);
        let cookies = [
            Cookie::Failed,
            Cookie::NotNeeded,
            Cookie::Locked(Entry::mapped(Order::Pte, Pfn::new(0))),
            Cookie::Locked(Entry::mapped(Order::Pmd, pfn)),
            Cookie::Locked(Entry::zero(Order::Pmd, pfn)),
            Cookie::Locked(Entry::empty(Order::Pte)),
        ];
        for cookie in cookies {
            assert!(Cookie::from_raw(cookie.into_raw()) == cookie);
        }
        assert_eq!(Cookie::Failed.into_raw(), 0);
        assert_eq!(Cookie::NotNeeded.into_raw(), !0);
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The C symbols for memory failures.

use crate::{
    failure::{
        lock_owner,
        lock_page,
        Cookie, //
    },
    slot::{
        LockedEntry,
        Slot, //
    },
    sys::{
        entry::{
            Entry,
            Order, //
        },
        folio::DeviceFolio,
        lock::EntryLock,
        mapping::DaxMapping,
    },
};
use core::ops::ControlFlow;
use kernel::{
    ffi::c_ulong,
    sync::rcu, //
};
use kernel_ext::{
    bindings,
    fs::mapping::AddressSpace,
    units::PageIndex,
    warn_on_once, //
};

kernel_ext::check_prototypes!(
    dax_lock_folio,
    dax_lock_mapping_entry,
    dax_unlock_folio,
    dax_unlock_mapping_entry,
);

/// The number that C keeps for `cookie`: that of an entry is neither of the others.
fn into_raw(cookie: Cookie) -> c_ulong {
    match cookie {
        Cookie::Failed => 0,
        Cookie::NotNeeded => !0,
        Cookie::Locked(lock) => lock.keep().raw(),
    }
}

/// The cookie for which C has kept the number `raw`.
///
/// # Safety
///
/// `raw` must be what [`into_raw`] returned, and if an entry is locked, the caller must not use the
/// number again.
unsafe fn from_raw(raw: c_ulong) -> Cookie {
    match raw {
        0 => Cookie::Failed,
        n if n == !0 => Cookie::NotNeeded,
        // SAFETY:
        // - The caller ensures that `into_raw()` returned the number, which it has from `Entry::raw()`
        //   of a locked entry.
        // - `into_raw()` left the lock of that entry for C. The caller uses the number once, so that
        //   the lock is taken up once.
        n => unsafe { Entry::from_raw(n).map(|entry| EntryLock::adopt(entry)) }
            .map_or(Cookie::Failed, Cookie::Locked),
    }
}

/// Locks the entry that has `folio`, and returns a cookie for [`dax_unlock_folio`]. Sleeps.
///
/// 0 if the folio belongs to no file, or to several; `!0` if it belongs to a character device,
/// which has nothing to lock.
///
/// # Safety
///
/// `folio` must be a folio of a DAX device, and the caller must keep its memory from being removed
/// until this returns.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_lock_folio(folio: *mut bindings::folio) -> c_ulong {
    // SAFETY: The caller keeps the memory of the folio, and with it the `struct page`s.
    let folio = unsafe { DeviceFolio::from_raw(folio) };
    loop {
        let reading = rcu::read_lock();
        let Some(mapping) = folio.owner() else {
            return into_raw(Cookie::Failed);
        };
        // SAFETY:
        // - The inode of a folio's owner is not freed before its entry is removed, and then after
        //   an RCU grace period. The owner was read inside of the read section, which is left by
        //   the closure, or below.
        // - While the i_pages lock is held, the entry, and so the inode, stays too. `lock_owner()`
        //   uses the address space no longer than in one or the other.
        let mapping = unsafe { AddressSpace::from_raw(mapping) };
        if let ControlFlow::Break(cookie) = lock_owner(folio, mapping, || drop(reading)) {
            return into_raw(cookie);
        }
    }
}

/// Unlocks the entry that has `folio`.
///
/// # Safety
///
/// `cookie` must be what [`dax_lock_folio`] has returned for `folio`, and the caller must not use
/// it again. It must have kept the memory of the folio from being removed since then.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_unlock_folio(folio: *mut bindings::folio, cookie: c_ulong) {
    // SAFETY: `dax_lock_folio()` has the cookie from `into_raw()`, and the caller gives it up.
    let Cookie::Locked(lock) = (unsafe { from_raw(cookie) }) else {
        return;
    };
    // SAFETY: The caller keeps the memory of the folio, and with it the `struct page`s.
    let folio = unsafe { DeviceFolio::from_raw(folio) };
    let Some((mapping, index)) = folio.owner().map(|mapping| (mapping, folio.index())) else {
        warn_on_once!(true);
        return;
    };
    // SAFETY: The entry is locked, so that it is not removed, and the inode of its file stays.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    // SAFETY: The file has an entry with the folio, which only a file with DAX can have.
    let mapping = unsafe { DaxMapping::of_dax_file(mapping) };
    let mut slot = Slot::new(mapping, index, Order::Pte);
    drop(LockedEntry::adopt(&mut slot, lock));
}

/// Locks the entry that covers a page of a file, and returns a cookie for
/// [`dax_unlock_mapping_entry`]. Sleeps.
///
/// `*page` is the page, also of an entry of many pages. If it has no memory, `*page` is left alone,
/// and the result is `!0`; it is 0 if the file is none of DAX.
///
/// # Safety
///
/// `mapping` must be the address space of an inode to which the caller has a reference, and `page`
/// valid for a write. If the page has memory, the caller must keep it from being removed until it
/// unlocks the entry.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_lock_mapping_entry(
    mapping: *mut bindings::address_space,
    index: c_ulong,
    page: *mut *mut bindings::page,
) -> c_ulong {
    // SAFETY: The caller's reference to the inode keeps its address space.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    let (cookie, pfn) = lock_page(mapping, PageIndex(index));
    if let Some(pfn) = pfn {
        // SAFETY: Any frame number may be converted; this one has a `struct page`, as `lock_page()`
        // says.
        let found = unsafe { bindings::pfn_to_page(pfn.number()) };
        // SAFETY: `page` is valid for a write, as the caller ensures.
        unsafe { *page = found };
    }
    into_raw(cookie)
}

/// Unlocks an entry of a file.
///
/// # Safety
///
/// `cookie` must be what [`dax_lock_mapping_entry`] has returned for `mapping` and `index`, and the
/// caller must not use it again. It must have kept its reference to the inode since then.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_unlock_mapping_entry(
    mapping: *mut bindings::address_space,
    index: c_ulong,
    cookie: c_ulong,
) {
    // SAFETY: `dax_lock_mapping_entry()` has the cookie from `into_raw()`, and the caller gives it
    // up.
    let Cookie::Locked(lock) = (unsafe { from_raw(cookie) }) else {
        return;
    };
    // SAFETY: The caller's reference to the inode keeps its address space.
    let mapping = unsafe { AddressSpace::from_raw(mapping) };
    // SAFETY: An entry of the file is locked, which only a file with DAX can have.
    let mapping = unsafe { DaxMapping::of_dax_file(mapping) };
    let mut slot = Slot::new(mapping, PageIndex(index), Order::Pte);
    drop(LockedEntry::adopt(&mut slot, lock));
}

#[cfg(CONFIG_KUNIT)]
#[kernel::macros::kunit_tests(rust_fs_dax_cookie)]
mod tests {
    use super::*;
    use crate::sys::entry::{
        Storage,
        Zeros, //
    };
    use kernel_ext::units::Pfn;

    #[test]
    fn cookies_come_back() {
        let pfn = Pfn::new(0x14_0000);
        // SAFETY: The test does not use the memory of the entries.
        let entries = unsafe {
            [
                Entry::mapped(Storage::new(Pfn::new(0), Order::Pte)),
                Entry::mapped(Storage::new(pfn, Order::Pmd)),
                Entry::zeros(Zeros::new(pfn, Order::Pmd)),
                Entry::empty(Order::Pte),
            ]
        };
        for entry in entries {
            // SAFETY: There is no array that has the entry, nor another lock.
            let lock = || Cookie::Locked(unsafe { EntryLock::adopt(entry) });
            // SAFETY: The number is used once.
            assert!(unsafe { from_raw(into_raw(lock())) } == lock());
        }
        for (cookie, raw) in [(Cookie::Failed, 0), (Cookie::NotNeeded, !0)] {
            // SAFETY: No entry is locked.
            assert!(unsafe { from_raw(raw) } == cookie);
            assert_eq!(into_raw(cookie), raw);
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Faults that wait for the file to be synced (`MAP_SYNC`).
//!
//! Who maps a file in this way finds the data after a crash if only the CPU caches are written back.
//! So the metadata must be durable before a page can be written: [`Fault`](super::Fault) has found
//! memory for the page, and left it to the filesystem to come here.

use crate::{
    entry::{
        Entry,
        Order, //
    },
    folio,
    slot::{
        LockedEntry,
        Lookup,
        Slot, //
    },
    trace, //
};
use kernel_ext::{
    mm::fault::{
        FaultCode,
        VmFault, //
    },
    units::{
        Pfn,
        PAGE_SHIFT, //
    }, //
};

/// Syncs what the fault is about, and maps it for writing.
pub(super) fn finish(vmf: &VmFault, order: Order, pfn: Pfn) -> FaultCode {
    let start = (vmf.index().0 as i64) << PAGE_SHIFT;
    let end = start + order.bytes() as i64 - 1;
    match vmf.sync_file_data(start, end) {
        Ok(()) => insert(vmf, order, pfn),
        Err(_) => FaultCode::SIGBUS,
    }
}

/// Maps the frame for writing, if it still is what the file has there.
fn insert(vmf: &VmFault, order: Order, pfn: Pfn) -> FaultCode {
    let inode = vmf.mapping().host();
    let mut slot = Slot::new(vmf.mapping(), vmf.index(), order);

    let Some(entry) = lock_dirty(&mut slot, Entry::mapped(order, pfn)) else {
        // Then there is another fault, and it finds what has become of the file.
        trace::insert_pfn_mkwrite_no_entry(inode, vmf, FaultCode::NOPAGE);
        return FaultCode::NOPAGE;
    };
    let code = insert_writable(vmf, &entry, pfn);
    drop(entry);
    trace::insert_pfn_mkwrite(inode, vmf, code);
    code
}

/// Locks the entry of the slot and notes that it will be written, if it is `wanted`.
fn lock_dirty<'s, 'm>(slot: &'s mut Slot<'m>, wanted: Entry) -> Option<LockedEntry<'s, 'm>> {
    match slot.lock().lookup() {
        Lookup::Found(mut found) if found.entry() == wanted => {
            found.mark_dirty();
            Some(found.lock())
        }
        _ => None,
    }
}

/// Maps the memory of the entry for writing.
fn insert_writable(vmf: &VmFault, entry: &LockedEntry<'_, '_>, pfn: Pfn) -> FaultCode {
    let Some(folio) = folio::of_locked(entry) else {
        return FaultCode::SIGBUS;
    };
    let folio = folio.pin();
    match entry.entry().order() {
        Order::Pte => vmf.insert_page(&folio, pfn, true),
        Order::Pmd => vmf.insert_folio_pmd(&folio, true),
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Faults that wait for the file to be synced (`MAP_SYNC`).
//!
//! A task that maps a file in this way makes its stores durable by writing back the CPU caches,
//! without fsync(). So the metadata must be durable before a page can be written.
//! [`handle`](super::handle) has found memory for the page, and left it to the filesystem to come
//! here.

use crate::{
    memory::Memory,
    slot::{
        LockedEntry,
        Lookup,
        Slot, //
    },
    sys::{
        entry::Order,
        folio::DeviceFolio,
        mapping::DaxMapping,
        trace, //
    },
};
use kernel_ext::{
    mm::fault::{
        FaultCode,
        VmFault, //
    },
    units::Pfn, //
};

/// Syncs the bytes that the fault is about, and maps them for writing.
pub(crate) fn finish(vmf: &VmFault, mapping: &DaxMapping, order: Order, pfn: Pfn) -> FaultCode {
    let start = vmf.index().byte_offset() as i64;
    let end = start + order.bytes() as i64 - 1;
    match vmf.sync_file_data(start, end) {
        Ok(()) => insert(vmf, mapping, order, pfn),
        Err(_) => FaultCode::SIGBUS,
    }
}

/// Maps the frame for writing, if it still is the memory that the file has there.
fn insert(vmf: &VmFault, mapping: &DaxMapping, order: Order, pfn: Pfn) -> FaultCode {
    let inode = mapping.host();
    let mut slot = Slot::new(mapping, vmf.index(), order);

    let Some(entry) = lock_dirty(&mut slot, order, pfn) else {
        // The task repeats the access, and the next fault finds what the file has now.
        trace::insert_pfn_mkwrite_no_entry(inode, vmf, FaultCode::NOPAGE);
        return FaultCode::NOPAGE;
    };
    let code = insert_writable(vmf, &entry, pfn);
    drop(entry);
    trace::insert_pfn_mkwrite(inode, vmf, code);
    code
}

/// Locks the entry of the slot and notes that it will be written, if its memory is that of `order`
/// from frame `pfn` on.
fn lock_dirty<'s, 'm>(
    slot: &'s mut Slot<'m>,
    order: Order,
    pfn: Pfn,
) -> Option<LockedEntry<'s, 'm>> {
    let Lookup::Found(mut found) = slot.lock().lookup() else {
        return None;
    };
    if found.entry().order() != order || found.entry().mapped_pfn() != Some(pfn) {
        return None;
    }
    found.mark_dirty();
    Some(found.lock())
}

/// Maps the memory of the entry for writing, if it is still there.
fn insert_writable(vmf: &VmFault, entry: &LockedEntry<'_, '_>, pfn: Pfn) -> FaultCode {
    let mut memory = Memory::of_unknown_device();
    let Some(frames) = memory.frames_of(entry.entry()) else {
        return FaultCode::SIGBUS;
    };
    let pin = || DeviceFolio::of(frames).pin();
    match entry.entry().order() {
        Order::Pte => vmf.insert_page(pfn, true, pin),
        Order::Pmd => vmf.insert_folio_pmd(pfn, true, pin),
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The marks of pages that have failed.

use super::memory::Memory;
use crate::geometry::DataOffset;
use kernel_ext::{
    memremap,
    units::{
        Pfn,
        PAGE_SIZE, //
    }, //
};

/// Clears the mark of having failed from the pages that lie in the `len` bytes from `at` on, which
/// have been repaired.
pub(crate) fn unmark(memory: &Memory, at: DataOffset, len: u32) {
    let len = u64::from(len);
    if !memory.is_in_direct_map() || !memory.geometry().contains(at, len) {
        return;
    }
    let start = memory.geometry().phys(at).0;
    let first = start.next_multiple_of(PAGE_SIZE);
    for phys in (first..start + len).step_by(PAGE_SIZE as usize) {
        if start + len - phys < PAGE_SIZE {
            break;
        }
        // SAFETY:
        // - The page is memory of the device, as checked, and is in the direct map. So it has a
        //   `struct page`: it was mapped by a `PageMap`, or is RAM.
        // - By the type invariants of `Memory` it stays mapped while `memory` is borrowed.
        unsafe { memremap::clear_hwpoison(Pfn::from_phys(phys)) };
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The trace events of filesystem-DAX, under `events/fs_dax` in tracefs.
//!
//! The events are those that user space knows from C, with the same fields: ndctl's tests, for one,
//! count the PMD faults of `dax_pmd_fault_done`. exports.c defines them.
//!
//! C header: [`include/trace/events/fs_dax.h`](srctree/include/trace/events/fs_dax.h)

mod ffi;

pub(crate) use ffi::{
    insert_pfn_mkwrite,
    insert_pfn_mkwrite_no_entry,
    load_hole,
    pmd_fault,
    pmd_fault_done,
    pmd_load_hole,
    pmd_load_hole_fallback,
    pte_fault,
    pte_fault_done,
    writeback_one,
    writeback_range,
    writeback_range_done, //
};

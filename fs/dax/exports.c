// SPDX-License-Identifier: GPL-2.0
/*
 * Filesystem-DAX, the part that is C because EXPORT_SYMBOL_GPL needs a C unit
 * that sees the header, and initcalls and trace events are macros.
 */
#include <linux/dax.h>
#include <linux/init.h>
#include "fs_dax.h"

#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include <trace/events/fs_dax.h>

/*
 * The rest is for callers that are built in: dax_dedupe_file_range_compare()
 * for fs/remap_range.c, dax_delete_mapping_entry() and
 * dax_invalidate_mapping_entry_sync() for mm/truncate.c, dax_lock_*() and
 * dax_unlock_*() for mm/memory-failure.c.
 */
EXPORT_SYMBOL_GPL(dax_break_layout);
EXPORT_SYMBOL_GPL(dax_break_layout_final);
EXPORT_SYMBOL_GPL(dax_delete_mapping_range);
EXPORT_SYMBOL_GPL(dax_file_unshare);
EXPORT_SYMBOL_GPL(dax_finish_sync_fault);
EXPORT_SYMBOL_GPL(dax_folio_reset_order);
EXPORT_SYMBOL_GPL(dax_iomap_fault);
EXPORT_SYMBOL_GPL(dax_iomap_rw);
EXPORT_SYMBOL_GPL(dax_layout_busy_page);
EXPORT_SYMBOL_GPL(dax_layout_busy_page_range);
EXPORT_SYMBOL_GPL(dax_remap_file_range_prep);
EXPORT_SYMBOL_GPL(dax_truncate_page);
EXPORT_SYMBOL_GPL(dax_writeback_mapping_range);
EXPORT_SYMBOL_GPL(dax_zero_range);

fs_initcall(fs_dax_init);

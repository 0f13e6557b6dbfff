// SPDX-License-Identifier: GPL-2.0
/*
 * The C half of the DAX core; the other half is Rust (dax_core.rs).
 *
 * C because: symbols are exported to modules and opened to error injection by
 * macros that need the declarations of the headers, early initcalls are macros
 * too, and so is the static definition of an SRCU domain with its per-CPU part.
 */
#include <linux/dax.h>
#include <linux/dax_ext.h>
#include <linux/error-injection.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/srcu.h>
#include "bus.h"
#include "dax-private.h"
#include "dax_core.h"

DEFINE_SRCU(dax_srcu);

EXPORT_SYMBOL_GPL(dax_read_lock);
EXPORT_SYMBOL_GPL(dax_read_unlock);
EXPORT_SYMBOL_GPL(dax_alive);
EXPORT_SYMBOL_GPL(kill_dax);
EXPORT_SYMBOL_GPL(run_dax);

EXPORT_SYMBOL_GPL(alloc_dax);
EXPORT_SYMBOL_GPL(alloc_dax_ext);
EXPORT_SYMBOL_GPL(put_dax);
EXPORT_SYMBOL_GPL(dax_dev_get);
EXPORT_SYMBOL_GPL(dax_set_ops);
EXPORT_SYMBOL_GPL(dax_get_private);
EXPORT_SYMBOL_GPL(dax_inode);
EXPORT_SYMBOL_GPL(inode_dax);
EXPORT_SYMBOL_GPL(dax_write_cache);
EXPORT_SYMBOL_GPL(dax_write_cache_enabled);
EXPORT_SYMBOL_GPL(dax_synchronous);
EXPORT_SYMBOL_GPL(set_dax_synchronous);
EXPORT_SYMBOL_GPL(set_dax_nocache);
EXPORT_SYMBOL_GPL(set_dax_nomc);

/* dax_copy_from_iter() and dax_copy_to_iter(): only fs/dax, which is built in, calls them */
EXPORT_SYMBOL_GPL(dax_direct_access);
EXPORT_SYMBOL_GPL(dax_zero_page_range);
EXPORT_SYMBOL_GPL(dax_recovery_write);
EXPORT_SYMBOL_GPL(dax_flush);

/* fail_function can let these fail, in the middle of a read, write or fault */
ALLOW_ERROR_INJECTION(dax_direct_access, ERRNO);
ALLOW_ERROR_INJECTION(dax_zero_page_range, ERRNO);
ALLOW_ERROR_INJECTION(dax_copy_from_iter, NULL);
ALLOW_ERROR_INJECTION(dax_copy_to_iter, NULL);
ALLOW_ERROR_INJECTION(dax_recovery_write, NULL);

EXPORT_SYMBOL_GPL(dax_holder);
EXPORT_SYMBOL_GPL(dax_holder_notify_failure);

EXPORT_SYMBOL_GPL(dax_add_host_name);
EXPORT_SYMBOL_GPL(dax_remove_host_name);
EXPORT_SYMBOL_GPL(dax_get_by_host);

#ifdef CONFIG_FS_DAX
EXPORT_SYMBOL_GPL(fs_put_dax);
EXPORT_SYMBOL_GPL(fs_dax_get);
#ifdef CONFIG_BLOCK
EXPORT_SYMBOL_GPL(dax_add_host);
EXPORT_SYMBOL_GPL(dax_remove_host);
EXPORT_SYMBOL_GPL(fs_dax_get_by_bdev);
#endif
#endif

static int __init dax_core_initcall(void)
{
	return dax_core_init(dax_bus_init);
}
subsys_initcall(dax_core_initcall);

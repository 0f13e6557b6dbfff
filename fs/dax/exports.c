// SPDX-License-Identifier: GPL-2.0
/*
 * Filesystem-DAX, the part that is C because EXPORT_SYMBOL_GPL needs a C unit
 * that sees the header, and initcalls are macros.
 */
#include <linux/dax.h>
#include <linux/init.h>
#include "fs_dax.h"

fs_initcall(fs_dax_init);

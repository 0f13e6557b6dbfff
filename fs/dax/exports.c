// SPDX-License-Identifier: GPL-2.0
/*
 * Filesystem-DAX, the part that is C because EXPORT_SYMBOL_GPL needs a C unit
 * that sees the header.
 */
#include <linux/dax.h>

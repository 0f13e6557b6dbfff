/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the C and the Rust half of the DAX core.
 */
#ifndef __DAX_CORE_H__
#define __DAX_CORE_H__

#include <linux/srcu.h>

/* exports.c: around each look whether a device is alive, and each operation */
extern struct srcu_struct dax_srcu;

/* abi.rs; it calls @register_bus once, before it returns */
int dax_core_init(int (*register_bus)(void));

#endif /* __DAX_CORE_H__ */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the C and the Rust half of the DAX core tell each other.
 */
#ifndef __DAX_CORE_H__
#define __DAX_CORE_H__

#include <linux/srcu.h>

/* exports.c: those who look at a device, or run its operations, are in here */
extern struct srcu_struct dax_srcu;

/* ffi.rs; @register_bus is called once, before it returns */
int dax_core_init(int (*register_bus)(void));

#endif /* __DAX_CORE_H__ */

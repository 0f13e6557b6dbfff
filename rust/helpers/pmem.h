/* SPDX-License-Identifier: GPL-2.0 */
/* Written in Rust: rust/pmem/iter.rs */
#ifndef _RUST_EXT_PMEM_H
#define _RUST_EXT_PMEM_H

#include <linux/types.h>

size_t rust_ext_pmem_step_user(void __user *from, size_t progress, size_t len,
			       void *to, void *priv2);
size_t rust_ext_pmem_step_kernel(void *from, size_t progress, size_t len,
				 void *to, void *priv2);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* What is tested, and what it is compared with. */
#ifndef ENGINE_ROUTINES_H
#define ENGINE_ROUTINES_H

#include <stddef.h>

/* The engine: engine.rs */
size_t rust_memcpy_flushcache(void *dst, const void *src, size_t len);
size_t rust_copy_user_flushcache(void *dst, const void *src, size_t len);
size_t rust_wb_cache_pmem(void *addr, size_t len);
size_t rust_wb_cache_blocks(void *addr, size_t len);
size_t rust_zero_flushcache(void *addr, size_t len);

/* The kernel's: arch/x86/lib */
size_t __memcpy_flushcache(void *dst, const void *src, size_t len);
size_t copy_user_flushcache(void *dst, const void *src, size_t len);
size_t arch_wb_cache_pmem(void *addr, size_t len);

/* Returns at once. */
size_t nothing(void *dst, const void *src, size_t len);

#endif

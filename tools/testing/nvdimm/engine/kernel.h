/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What arch/x86/lib/usercopy_64.c of the kernel needs to build for user space,
 * where it is the reference for the engine; the macros are in the script run.
 * Every choice favours the C side: direct returns, inlined access checks, and
 * the shortest memcpy(), that of CPUs with FSRM.
 */
#include <stddef.h>

extern struct {
	unsigned short x86_clflush_size;
} boot_cpu_data;

extern unsigned long USER_PTR_MAX;

void *memcpy(void *dst, const void *src, size_t len);
size_t copy_to_nontemporal(void *dst, const void *src, size_t len);

static inline void clwb(void *p)
{
	asm volatile("ds clflush (%0)" : : "r" (p) : "memory");
}

/* The row of NOPs stands for stac and clac; it counts as one instruction. */
static inline const void *masked_user_access_begin(const void *ptr)
{
	asm("cmp %1,%0\n\tcmova %1,%0" : "+r" (ptr) : "r" (USER_PTR_MAX));
	asm volatile("nop; nop; nop" : : : "memory");
	return ptr;
}

static inline void user_access_end(void)
{
	asm volatile("nop; nop; nop" : : : "memory");
}

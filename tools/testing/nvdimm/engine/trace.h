/* SPDX-License-Identifier: GPL-2.0 */
/* Runs a function one instruction at a time. See trace.c. */
#ifndef ENGINE_TRACE_H
#define ENGINE_TRACE_H

#include <stdbool.h>
#include <stddef.h>

struct trace {
	unsigned long insns;	/* a repeated string instruction counts once */
	unsigned long movnti;
	unsigned long flushes;
	unsigned long fences;
	unsigned long faults;	/* resolved through the exception table */
};

/* The exception table, which the linker gives these names. */
extern struct ex_entry {
	int insn, fixup, type;
} __start___ex_table[], __stop___ex_table[];

typedef size_t (*copy_fn)(void *dst, const void *src, size_t len);

/* Sets up the handlers of SIGTRAP and SIGSEGV. */
void trace_init(void);

/*
 * Calls fn(dst, src, len). With @image, the @image_len bytes at @image become
 * what a power failure after a fence would leave of those at @base.
 */
size_t trace_call(copy_fn fn, void *dst, const void *src, size_t len,
		  void *base, void *image, size_t image_len, struct trace *t);

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a function with the trap flag set, counts its instructions, and keeps
 * an image of what would survive a power failure: a byte gets there with a
 * non-temporal store, or with the write-back of its line.
 *
 * A fault of an instruction that has an entry in the exception table goes on
 * at the address that the entry says, as in the kernel.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "trace.h"

static struct {
	struct trace *t;
	uint64_t last_ip;
	char *base, *image;
	size_t len;
	char *nt_addr;		/* of the store that has just run */
	size_t nt_len;
} run;

static const int reg_of[] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

/* The address of a memory operand; @p is at ModRM. */
static char *operand(const uint8_t *p, uint8_t rex, const greg_t *regs)
{
	uint8_t mod = p[0] >> 6, rm = p[0] & 7;
	const uint8_t *disp = p + 1;
	uint64_t addr = 0;
	int32_t d32;

	if (mod == 3)
		return NULL;
	if (rm == 4) {
		uint8_t sib = *disp++;
		int index = ((sib >> 3) & 7) | (rex & 2 ? 8 : 0);
		int base = (sib & 7) | (rex & 1 ? 8 : 0);

		if (index != 4)
			addr += regs[reg_of[index]] << (sib >> 6);
		if ((base & 7) == 5 && mod == 0) {
			memcpy(&d32, disp, 4);
			return (char *)(addr + d32);
		}
		addr += regs[reg_of[base]];
	} else if (rm == 5 && mod == 0) {
		fprintf(stderr, "unexpected rip-relative store\n");
		abort();
	} else {
		addr += regs[reg_of[rm | (rex & 1 ? 8 : 0)]];
	}
	if (mod == 1)
		addr += (int8_t)*disp;
	if (mod == 2) {
		memcpy(&d32, disp, 4);
		addr += d32;
	}
	return (char *)addr;
}

static bool inside(const char *addr, size_t len)
{
	return addr >= run.base && addr + len <= run.base + run.len;
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint8_t *p = (const uint8_t *)regs[REG_RIP];
	uint8_t rex = 0;
	char *addr;

	if (!run.t)
		return;
	if (regs[REG_RIP] == (greg_t)run.last_ip)
		return;
	run.last_ip = regs[REG_RIP];
	/* The kernel makes one of each row of NOPs when it patches the code. */
	if (p[0] != 0x90 || p[-1] != 0x90)
		run.t->insns++;

	if (run.nt_len) {
		if (run.image && inside(run.nt_addr, run.nt_len))
			memcpy(run.image + (run.nt_addr - run.base), run.nt_addr,
			       run.nt_len);
		run.nt_len = 0;
	}

	while (*p == 0x3e || *p == 0x66)
		p++;
	if ((*p & 0xf0) == 0x40)
		rex = *p++;
	if (*p++ != 0x0f)
		return;
	if (*p == 0xc3) {
		run.t->movnti++;
		run.nt_addr = operand(p + 1, rex, regs);
		run.nt_len = rex & 8 ? 8 : 4;
	} else if (*p == 0xae && p[1] == 0xf8) {
		run.t->fences++;
	} else if (*p == 0xae && (((p[1] >> 3) & 7) == 7 || ((p[1] >> 3) & 7) == 6)) {
		run.t->flushes++;
		addr = (char *)((uintptr_t)operand(p + 1, rex, regs) & ~63UL);
		if (run.image && inside(addr, 64))
			memcpy(run.image + (addr - run.base), addr, 64);
	}
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct ex_entry *e;

	for (e = __start___ex_table; e < __stop___ex_table; e++) {
		if ((char *)&e->insn + e->insn != (char *)regs[REG_RIP])
			continue;
		if (e->type != 3)
			break;
		regs[REG_RIP] = (greg_t)((char *)&e->fixup + e->fixup);
		/* Cut short, the store has stored nothing. */
		run.nt_len = 0;
		if (run.t)
			run.t->faults++;
		return;
	}
	fprintf(stderr, "fault at %p with no entry in the exception table\n",
		(void *)regs[REG_RIP]);
	_exit(1);
}

void trace_init(void)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO };

	sa.sa_sigaction = on_trap;
	sigaction(SIGTRAP, &sa, NULL);
	sa.sa_sigaction = on_fault;
	sigaction(SIGSEGV, &sa, NULL);
}

size_t trace_call(copy_fn fn, void *dst, const void *src, size_t len,
		  void *base, void *image, size_t image_len, struct trace *t)
{
	size_t ret;

	memset(t, 0, sizeof(*t));
	run.base = base;
	run.image = image;
	run.len = image_len;
	run.nt_len = 0;
	run.last_ip = 0;
	run.t = t;
	asm volatile("pushfq; orq $0x100, (%%rsp); popfq\n\t"
		     "call *%[fn]\n\t"
		     "pushfq; andq $~0x100, (%%rsp); popfq"
		     : "=a" (ret), "+D" (dst), "+S" (src), "+d" (len)
		     : [fn] "b" (fn)
		     : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
	run.t = NULL;
	return ret;
}

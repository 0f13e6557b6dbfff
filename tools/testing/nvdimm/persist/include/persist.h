/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For programs in a guest that the persistence checker watches: ask whether memory is durable.
 * A question is a nop, which does nothing on a machine without the checker; x86-64 only.
 */
#ifndef PERSIST_H
#define PERSIST_H

#include <stdint.h>
#include <string.h>

/*
 * Answers: no checker watches this machine; the memory is not mapped or not persistent, or the
 * checker knows nothing about it.
 */
#define PERSIST_NOBODY		(UINT64_MAX - 1)
#define PERSIST_NOT_THERE	UINT64_MAX

static inline uint64_t persist_ask(uint64_t what, const void *address, uint64_t len)
{
	uint64_t answer = PERSIST_NOBODY;

	__asm__ volatile("nopl 0x70617864(%%rax)"
			 : "+a"(answer) : "D"(what), "S"(address), "d"(len) : "memory");
	return answer;
}

/* The number of 64-byte lines of this memory that a power cut would lose now. */
static inline uint64_t persist_check(const void *address, uint64_t len)
{
	return persist_ask(1, address, len);
}

/* A range of physical memory. */
struct persist_part {
	uint64_t start, len;
};

/*
 * The number of lines of these ranges that were stored to since persist_begin() and that a power
 * cut would lose now. PERSIST_NOT_THERE if there was no store to them.
 */
static inline uint64_t persist_check_memory(const struct persist_part *parts, uint64_t number)
{
	return persist_ask(9, parts, number);
}

enum persist_field {
	PERSIST_OFFSET,		/* offset from the checked address; physical address for ranges */
	PERSIST_STATE,		/* 0: a byte of it is only in a cache; 1: there was no fence */
	PERSIST_ORIGIN,		/* address of the last instruction that stored to the line */
};

/* A field of line @number of those that the last check counted. */
static inline uint64_t persist_lost(uint64_t number, enum persist_field field)
{
	return persist_ask(4, (const void *)number, field);
}

/* Say for the picture that @address maps that offset of a file. */
static inline uint64_t persist_locate(const void *address, uint64_t offset)
{
	return persist_ask(8, address, offset);
}

/* Begin a scenario: name it in the report, and reset all counts. */
static inline uint64_t persist_begin(const char *name)
{
	return persist_ask(2, name, strlen(name));
}

/*
 * Measure the code between the two: the report has its number of instructions, and their stores,
 * write-backs and fences. It has the median of all windows between begin and end.
 */
static inline uint64_t persist_window_start(void)
{
	return persist_ask(6, NULL, 0);
}

static inline uint64_t persist_window_stop(void)
{
	return persist_ask(7, NULL, 0);
}

/*
 * Tell the checker of persistent memory at that physical address. It has not seen earlier stores
 * to it.
 */
static inline uint64_t persist_watch(uint64_t start, uint64_t len)
{
	return persist_ask(10, (const void *)start, len);
}

/* Switch the notice of fences on or off. While off, the checker must report every store as lost. */
static inline uint64_t persist_notice_fences(int yes)
{
	return persist_ask(11, (const void *)(uintptr_t)!!yes, 0);
}

/* Write the counts to the report. */
static inline uint64_t persist_end(void)
{
	return persist_ask(3, NULL, 0);
}

#endif /* PERSIST_H */

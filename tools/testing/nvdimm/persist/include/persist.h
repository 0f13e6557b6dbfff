/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For programs in a guest that the persistence checker watches: ask whether memory is durable.
 * The questions are nops, which do nothing where nobody watches; x86-64 only.
 */
#ifndef PERSIST_H
#define PERSIST_H

#include <stdint.h>
#include <string.h>

/*
 * Answers: nobody watches; what was asked about is not mapped, not persistent memory, or nothing is
 * known of it.
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

/* How many of the 64-byte lines of this memory would a power cut lose now? */
static inline uint64_t persist_check(const void *address, uint64_t len)
{
	return persist_ask(1, address, len);
}

/* A part of physical memory. */
struct persist_part {
	uint64_t start, len;
};

/*
 * How many of the lines of these parts that were stored to since persist_begin() would a power cut
 * lose now? It is no answer if none was stored to.
 */
static inline uint64_t persist_check_memory(const struct persist_part *parts, uint64_t number)
{
	return persist_ask(9, parts, number);
}

enum persist_field {
	PERSIST_OFFSET,		/* its distance from the address that was asked about, or its own */
	PERSIST_STATE,		/* 0: a byte of it is only in a cache; 1: there was no fence */
	PERSIST_ORIGIN,		/* the address of the instruction that stored to it last */
};

/* A field of one of the lines that the last check found. */
static inline uint64_t persist_lost(uint64_t number, enum persist_field field)
{
	return persist_ask(4, (const void *)number, field);
}

/* From now on the byte at address is the one at that offset of a file, for the picture. */
static inline uint64_t persist_locate(const void *address, uint64_t offset)
{
	return persist_ask(8, address, offset);
}

/* What follows is called so in the report, and counted from zero. */
static inline uint64_t persist_begin(const char *name)
{
	return persist_ask(2, name, strlen(name));
}

/*
 * What is between the two costs something: the report says how many instructions, and what they
 * do to lines. Of all such windows between begin and end the median counts.
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
 * There is persistent memory at that physical address, which the checker did not know of. What was
 * stored there before it has not seen.
 */
static inline uint64_t persist_watch(uint64_t start, uint64_t len)
{
	return persist_ask(10, (const void *)start, len);
}

/* Shall the checker notice fences? If not it has to complain of all that is stored. */
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

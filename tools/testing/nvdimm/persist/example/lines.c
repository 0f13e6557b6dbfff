// SPDX-License-Identifier: GPL-2.0
/*
 * The first program of a guest without persistent memory: it declares one of its pages persistent,
 * and asks the checker about a line of it after a store, the write-back, and the fence.
 */
#include <fcntl.h>
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../include/persist.h"

#define PAGE	4096

/* The physical address of a page that is mapped and locked. */
static uint64_t physical(const void *page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (pread(fd, &entry, sizeof(entry), (uintptr_t)page / PAGE * sizeof(entry)) !=
	    sizeof(entry))
		perror("pagemap");
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

static void ask(const char *when, const char *line)
{
	uint64_t lost = persist_check(line, 64);

	if (lost == PERSIST_NOBODY)
		printf("%s: no checker watches this machine\n", when);
	else if (lost == PERSIST_NOT_THERE)
		printf("%s: the checker does not know this memory\n", when);
	else if (!lost)
		printf("%s: durable\n", when);
	else
		printf("%s: lost in a power cut, %s\n", when,
		       persist_lost(0, PERSIST_STATE) ? "for want of a fence" : "in a cache");
}

int main(void)
{
	char *line = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);

	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	persist_watch(physical(line), PAGE);
	persist_begin("lines");

	__atomic_store_n(line, 1, __ATOMIC_RELAXED);
	ask("after the store", line);
	_mm_clflushopt(line);
	ask("after the write-back", line);
	_mm_sfence();
	ask("after the fence", line);

	persist_end();
	fflush(stdout);
	return reboot(RB_POWER_OFF);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the copy engine in user space, against memcpy() and against the
 * routines of the kernel in C. Prints KTAP.
 *
 * With the arguments "counts" and a size: the instructions of both below it.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "routines.h"
#include "trace.h"

#define ARRAY_SIZE(x)	(sizeof(x) / sizeof((x)[0]))
#define MAX_LEN		300
#define GUARD		128
#define AREA		(MAX_LEN + 64 + 2 * GUARD)

/* The kernel's, for CPUs with FSRM. */
asm(".globl memcpy_fsrm; memcpy_fsrm: movq %rdi, %rax; movq %rdx, %rcx; rep movsb; ret");
asm(".globl nothing; nothing: ret");

static size_t zero(void *dst, const void *src, size_t len)
{
	return rust_zero_flushcache(dst, len);
}

static size_t write_back(void *dst, const void *src, size_t len)
{
	return rust_wb_cache_pmem(dst, len);
}

static size_t write_back_blocks(void *dst, const void *src, size_t len)
{
	return rust_wb_cache_blocks(dst, len);
}

static size_t c_write_back(void *dst, const void *src, size_t len)
{
	return arch_wb_cache_pmem(dst, len);
}

static unsigned char *dst_area, *image;
static unsigned char before[AREA], expect[AREA], src_area[AREA], zeros[AREA];
static char why[200];

#define FAIL(...) (snprintf(why, sizeof(why), __VA_ARGS__), false)

static void fill(unsigned char *p, size_t len, unsigned int seed)
{
	while (len--) {
		seed = seed * 1103515245 + 12345;
		*p++ = seed >> 16;
	}
}

/* One copy: what it should leave, with every byte outside as it was. */
static bool check_copy(copy_fn fn, const unsigned char *src, size_t to, size_t len,
		       bool trace)
{
	struct trace t;
	size_t left;

	memcpy(dst_area, before, AREA);
	memcpy(image, before, AREA);
	memcpy(expect, before, AREA);
	memcpy(expect + to, src, len);
	if (trace)
		left = trace_call(fn, dst_area + to, src, len, dst_area, image, AREA, &t);
	else
		left = fn(dst_area + to, src, len);
	if (fn == rust_copy_user_flushcache && left)
		return FAIL("left %zu", left);
	if (memcmp(dst_area, expect, AREA))
		return FAIL("wrong bytes");
	if (trace && memcmp(image, expect, AREA))
		return FAIL("bytes that are not durable");
	return true;
}

static bool test_copies(copy_fn fn)
{
	for (size_t len = 0; len <= MAX_LEN; len++)
		for (size_t to = 0; to < 64; to++)
			for (size_t from = 0; from < 9; from++) {
				const unsigned char *src =
					fn == zero ? zeros : src_area + GUARD + from;

				bool trace = from == to % 9 &&
					     (len * 7 + to) % (len <= 72 ? 4 : 16) == 0;

				if (!check_copy(fn, src, GUARD + to, len, trace)) {
					printf("# %zu bytes, %zu to %zu: %s\n",
					       len, from, to, why);
					return false;
				}
			}
	return true;
}

static bool test_write_back(copy_fn fn)
{
	for (size_t len = 0; len <= MAX_LEN; len++)
		for (size_t to = len % 5; to < 64; to += 5) {
			size_t first = (GUARD + to) / 64, end = (GUARD + to + len + 63) / 64;
			struct trace t;

			/* All of memory is dirty. */
			memcpy(dst_area, src_area, AREA);
			memcpy(image, before, AREA);
			memcpy(expect, before, AREA);
			if (!len)
				end = first;
			memcpy(expect + first * 64, src_area + first * 64, (end - first) * 64);
			trace_call(fn, dst_area + GUARD + to, NULL, len, dst_area,
				   image, AREA, &t);
			if (t.flushes != end - first || memcmp(image, expect, AREA)) {
				printf("# %zu bytes at %zu: %lu lines\n", len, to, t.flushes);
				return false;
			}
		}
	return true;
}

/* Blocks of four lines, each of them from each block on. */
static bool test_write_back_blocks(void)
{
	for (size_t first = 0; first < AREA; first += 256)
		for (size_t len = 256; first + len <= AREA; len += 256) {
			struct trace t;

			memcpy(dst_area, src_area, AREA);
			memcpy(image, before, AREA);
			memcpy(expect, before, AREA);
			memcpy(expect + first, src_area + first, len);
			trace_call(write_back_blocks, dst_area + first, NULL, len, dst_area,
				   image, AREA, &t);
			if (t.flushes != len / 64 || memcmp(image, expect, AREA)) {
				printf("# %zu bytes at %zu: %lu lines\n", len, first, t.flushes);
				return false;
			}
		}
	return true;
}

static unsigned char *pages_before_hole(void)
{
	unsigned char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + 2 * 4096, 4096, PROT_NONE))
		abort();
	return p + 2 * 4096;
}

/* The source ends after @have of @len bytes. */
static bool check_source_fault(unsigned char *hole, size_t to, size_t len, size_t have,
			       bool trace)
{
	size_t left, c_left;
	struct trace t;

	memcpy(hole - have, src_area, have);
	memcpy(dst_area, before, AREA);
	memcpy(image, before, AREA);
	memcpy(expect, before, AREA);
	memcpy(expect + GUARD + to, src_area, have);
	if (trace)
		left = trace_call(rust_copy_user_flushcache, dst_area + GUARD + to,
				  hole - have, len, dst_area, image, AREA, &t);
	else
		left = rust_copy_user_flushcache(dst_area + GUARD + to, hole - have, len);
	if (left != len - have)
		return FAIL("left %zu", left);
	if (memcmp(dst_area, expect, AREA))
		return FAIL("wrong bytes");
	if (trace && memcmp(image, expect, AREA))
		return FAIL("bytes that are not durable");
	if (trace && !t.faults)
		return FAIL("no fault");
	c_left = copy_user_flushcache(dst_area + GUARD + to, hole - have, len);
	if (left > c_left)
		return FAIL("left %zu, C leaves %zu", left, c_left);
	return true;
}

static bool test_source_faults(void)
{
	static const size_t lens[] = {
		1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 36, 47, 63, 64,
		65, 68, 96, 100, 127, 128, 129, 192, 257, 300,
	};
	unsigned char *hole = pages_before_hole();

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		for (size_t to = 0; to < 64; to += to < 9 ? 1 : 5)
			for (size_t have = 0; have < lens[i]; have++)
				if (!check_source_fault(hole, to, lens[i], have,
							(have + to) % 16 == i % 16)) {
					printf("# %zu of %zu bytes to %zu: %s\n", have,
					       lens[i], to, why);
					return false;
				}
	return true;
}

/* The destination can take @room of @len bytes. */
static bool test_destination_faults(void)
{
	unsigned char *hole = pages_before_hole();

	for (size_t len = 1; len <= 150; len++)
		for (size_t room = 0; room < len; room++) {
			unsigned char *to = hole - room;
			size_t left;

			memset(hole - 256, 0xee, 256);
			left = rust_copy_user_flushcache(to, src_area + len % 8, len);
			if (left != len - room || memcmp(to, src_area + len % 8, room) ||
			    to[-1] != 0xee) {
				printf("# %zu of %zu bytes fit: left %zu\n", room, len, left);
				return false;
			}
		}
	return true;
}

/* Nothing is read at an address that is not one of user space. */
static bool test_kernel_addresses(void)
{
	static const uint64_t addrs[] = {
		1UL << 63, 0xffff888000000000, 0xffffffff81000000, -1UL, -4096UL,
		0x7ffffffff000, 0x800000000000,
	};

	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++)
		for (size_t len = 0; len <= 130; len++) {
			size_t left;

			memcpy(dst_area, before, AREA);
			left = rust_copy_user_flushcache(dst_area + GUARD + len % 64,
							 (void *)addrs[i], len);
			if (left != len || memcmp(dst_area, before, AREA)) {
				printf("# %zu bytes at %#lx: left %zu\n", len, addrs[i], left);
				return false;
			}
		}
	return true;
}

static const struct pair {
	const char *name;
	copy_fn c, rust;
} pairs[] = {
	{ "kernel source", __memcpy_flushcache, rust_memcpy_flushcache },
	{ "user source", copy_user_flushcache, rust_copy_user_flushcache },
	{ "write back", c_write_back, write_back },
};

static unsigned char *big_dst, *big_src;

static struct trace cost(copy_fn fn, size_t to, size_t from, size_t len)
{
	static unsigned long overhead;
	struct trace t;

	if (!overhead) {
		trace_call(nothing, big_dst, big_src, 0, NULL, NULL, 0, &t);
		overhead = t.insns - 1;
	}
	trace_call(fn, big_dst + to, big_src + from, len, NULL, NULL, 0, &t);
	t.insns -= overhead;
	return t;
}

static void show_hardware(const struct pair *p, size_t to, size_t len,
			  const struct trace *r, const struct trace *c)
{
	printf("# %s, %zu bytes to %zu: ", p->name, len, to);
	printf("%lu/%lu movnti, %lu/%lu lines, %lu/%lu fences\n", r->movnti, c->movnti,
	       r->flushes, c->flushes, r->fences, c->fences);
}

struct worst {
	double ratio;
	unsigned long rust, c;
	size_t len, to;
};

/*
 * No copy of anything may take more instructions than in C, nor more non-temporal stores,
 * write-backs or fences. Returns the highest ratio of instructions.
 */
static bool compare(const struct pair *p, size_t from_len, size_t to_len, size_t step,
		    bool all, struct worst *w, bool *hardware)
{
	for (size_t len = from_len ? from_len : 1; len <= to_len; len += step)
		/* Unless all are wanted, 0 to 8 and the last ones before the line ends. */
		for (size_t to = 0; to < 64; to += all || to < 8 || to >= 60 ? 1 : 52) {
			struct trace c = cost(p->c, to, 0, len);
			struct trace r = cost(p->rust, to, 0, len);
			double ratio = (double)r.insns / c.insns;

			if (ratio > w->ratio)
				*w = (struct worst){ ratio, r.insns, c.insns, len, to };
			if (r.movnti + r.flushes > c.movnti + c.flushes ||
			    r.flushes > c.flushes || r.fences > c.fences) {
				if (*hardware)
					show_hardware(p, to, len, &r, &c);
				*hardware = false;
			}
		}
	return w->ratio <= 1.0;
}

static bool test_counts(const struct pair *p)
{
	struct worst w = { 0 };
	bool hardware = true, ok;

	ok = compare(p, 1, 80, 1, false, &w, &hardware);
	ok = compare(p, 81, 300, 9, false, &w, &hardware) && ok;
	ok = compare(p, 4031, 4096, 65, false, &w, &hardware) && ok;
	printf("# %s: at most %.2f of the instructions of C (%lu of %lu: %zu bytes to %zu)\n",
	       p->name, w.ratio, w.rust, w.c, w.len, w.to);
	return ok && hardware;
}

/* The table of all alignments and all sizes below @max. */
static int print_counts(size_t max)
{
	static const size_t bounds[] = { 0, 8, 16, 64, 256, 1024, 4097 };
	bool ok = true;

	printf("%-14s %-12s %-9s %s\n", "", "bytes", "max ratio",
	       "(Rust of C, bytes to alignment)");
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		for (size_t b = 0; b + 1 < ARRAY_SIZE(bounds) &&
		     bounds[b + 1] <= max; b++) {
			struct worst w = { 0 };
			bool hardware = true;

			ok = compare(&pairs[i], bounds[b], bounds[b + 1] - 1, 1, true, &w,
				     &hardware) && hardware && ok;
			printf("%-14s %4zu to %-4zu %9.3f (%lu of %lu, %zu to %zu)%s\n",
			       pairs[i].name, bounds[b], bounds[b + 1] - 1, w.ratio, w.rust,
			       w.c, w.len, w.to, hardware ? "" : " hardware operations differ");
			fflush(stdout);
		}
	return !ok;
}

static int number, failed;

static void report(bool ok, const char *what)
{
	printf("%sok %d %s\n", ok ? "" : "not ", ++number, what);
	fflush(stdout);
	failed += !ok;
}

int main(int argc, char **argv)
{
	trace_init();
	dst_area = aligned_alloc(4096, 4096);
	image = aligned_alloc(4096, 4096);
	big_dst = aligned_alloc(4096, 8192);
	big_src = aligned_alloc(4096, 8192);
	if (!dst_area || !image || !big_dst || !big_src)
		return 1;
	fill(src_area, AREA, 1);
	fill(before, AREA, 2);
	if (argc > 1 && !strcmp(argv[1], "counts"))
		return print_counts(argc > 2 ? strtoul(argv[2], NULL, 0) : 4097);

	printf("KTAP version 1\n1..13\n");
	report(test_copies(rust_memcpy_flushcache), "copy from kernel memory");
	report(test_copies(rust_copy_user_flushcache), "copy from user memory");
	report(test_copies(zero), "zero");
	report(test_copies(__memcpy_flushcache), "reference: copy from kernel memory in C");
	report(test_copies(copy_user_flushcache), "reference: copy from user memory in C");
	report(test_write_back(write_back), "write back");
	report(test_source_faults(), "faults of the source");
	report(test_destination_faults(), "faults of the destination");
	report(test_kernel_addresses(), "addresses that are not user space");
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		report(test_counts(&pairs[i]), pairs[i].name);
	report(test_write_back_blocks(), "write back of blocks");
	return !!failed;
}

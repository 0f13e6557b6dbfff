// SPDX-License-Identifier: GPL-2.0
/*
 * Filesystem-DAX: the locks of what says to which entries folios belong.
 *
 * C because __SPIN_LOCK_UNLOCKED() is a macro, with which the table needs no
 * initialisation when the kernel starts.
 */
#include <linux/cache.h>
#include <linux/hash.h>
#include <linux/pgtable.h>
#include <linux/spinlock.h>
#include "../fs_dax.h"

/* Each lock is for ranges of the size of a PMD, which are or may become one folio. */
#define FOLIO_USERS_BITS 6

static struct {
	spinlock_t lock; /* of those folios, their share counts and order */
} ____cacheline_aligned_in_smp folio_users[1 << FOLIO_USERS_BITS] = {
	[0 ... (1 << FOLIO_USERS_BITS) - 1] = {
		.lock = __SPIN_LOCK_UNLOCKED(folio_users.lock),
	},
};

static spinlock_t *folio_users_of(unsigned long pfn)
{
	return &folio_users[hash_long(pfn >> PMD_ORDER, FOLIO_USERS_BITS)].lock;
}

void fs_dax_folio_users_lock(unsigned long pfn)
{
	spin_lock(folio_users_of(pfn));
}

void fs_dax_folio_users_unlock(unsigned long pfn)
{
	spin_unlock(folio_users_of(pfn));
}

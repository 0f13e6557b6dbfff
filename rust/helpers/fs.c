// SPDX-License-Identifier: GPL-2.0

#include <linux/fs.h>

__rust_helper void *rust_ext_helper_alloc_inode_sb(struct super_block *sb,
						   struct kmem_cache *cache,
						   gfp_t gfp)
{
	return alloc_inode_sb(sb, cache, gfp);
}

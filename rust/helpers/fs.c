// SPDX-License-Identifier: GPL-2.0

#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/rwsem.h>

__rust_helper void *rust_ext_helper_alloc_inode_sb(struct super_block *sb,
						   struct kmem_cache *cache,
						   gfp_t gfp)
{
	return alloc_inode_sb(sb, cache, gfp);
}

__rust_helper int rust_ext_helper_rwsem_is_locked(struct rw_semaphore *sem)
{
	return rwsem_is_locked(sem);
}

#ifdef CONFIG_LOCKDEP
__rust_helper void rust_ext_helper_inode_assert_held(struct inode *inode)
{
	lockdep_assert_held(&inode->i_rwsem);
}

__rust_helper void rust_ext_helper_inode_assert_held_write(struct inode *inode)
{
	lockdep_assert_held_write(&inode->i_rwsem);
}
#endif

#ifdef EXT_FS_DAX

__rust_helper bool
rust_ext_helper_vma_is_fsdax(struct vm_area_struct *vma)
{
	return vma_is_fsdax(vma);
}

#endif

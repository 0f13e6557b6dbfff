/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bindgen reads for the crate `kernel_ext`. bindgen_parameters lists the
 * items that are generated from it.
 */
#include <linux/badblocks.h>
#include <linux/blkdev.h>
#include <linux/cdev.h>
#include <linux/dax.h>
#include <linux/dax_ext.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/huge_mm.h>
#include <linux/iomap.h>
#include <linux/ioport.h>
#include <linux/libnvdimm.h>
#include <linux/magic.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/nd.h>
#include <linux/pseudo_fs.h>
#include <linux/rmap.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/sysfs.h>
#include <linux/uio.h>
#include <linux/vmstat.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <trace/events/fs_dax.h>

/* private to drivers/dax */
#include "dax-private.h"
#undef pr_fmt
#include "bus.h"
#ifdef CONFIG_DAX_RUST
#include "../../drivers/dax/dax_core.h"
#endif

/* private to fs/dax */
#ifdef CONFIG_FS_DAX_RUST
#include "../../fs/dax/fs_dax.h"
#endif

/* private to drivers/nvdimm */
#include "btt.h"
#include "nd-core.h"
#include "nd.h"
#include "pfn.h"
#include "pmem.h"

/* Macros that are no plain number for bindgen. */
const blk_features_t RUST_CONST_HELPER_BLK_FEAT_DAX = BLK_FEAT_DAX;
const blk_features_t RUST_CONST_HELPER_BLK_FEAT_FUA = BLK_FEAT_FUA;
const blk_features_t RUST_CONST_HELPER_BLK_FEAT_IO_STAT = BLK_FEAT_IO_STAT;
const blk_features_t RUST_CONST_HELPER_BLK_FEAT_SYNCHRONOUS = BLK_FEAT_SYNCHRONOUS;
const blk_features_t RUST_CONST_HELPER_BLK_FEAT_WRITE_CACHE = BLK_FEAT_WRITE_CACHE;
const blk_status_t RUST_CONST_HELPER_BLK_STS_IOERR = BLK_STS_IOERR;
const unsigned long RUST_CONST_HELPER_ARCH_MEMREMAP_PMEM = ARCH_MEMREMAP_PMEM;
const gfp_t RUST_CONST_HELPER_GFP_USER = GFP_USER;
const int RUST_CONST_HELPER_IOCB_ATOMIC = IOCB_ATOMIC;
const int RUST_CONST_HELPER_IOCB_NOWAIT = IOCB_NOWAIT;
const unsigned long RUST_CONST_HELPER_SB_RDONLY = SB_RDONLY;
const slab_flags_t RUST_CONST_HELPER_SLAB_ACCOUNT = SLAB_ACCOUNT;
const slab_flags_t RUST_CONST_HELPER_SLAB_HWCACHE_ALIGN = SLAB_HWCACHE_ALIGN;
const slab_flags_t RUST_CONST_HELPER_SLAB_RECLAIM_ACCOUNT = SLAB_RECLAIM_ACCOUNT;
const vm_flags_t RUST_CONST_HELPER_VM_UFFD_WP = VM_UFFD_WP;
const xa_mark_t RUST_CONST_HELPER_PAGECACHE_TAG_DIRTY = PAGECACHE_TAG_DIRTY;
const xa_mark_t RUST_CONST_HELPER_PAGECACHE_TAG_TOWRITE = PAGECACHE_TAG_TOWRITE;
const unsigned int RUST_CONST_HELPER_XA_CHUNK_SHIFT = XA_CHUNK_SHIFT;
const gfp_t RUST_CONST_HELPER_XA_FLAGS_MARK_0 = XA_FLAGS_MARK(XA_MARK_0);

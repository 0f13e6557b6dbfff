// SPDX-License-Identifier: GPL-2.0
/*
 * C macros and inline functions that Rust cannot call, for the crate
 * `kernel_ext`. The files in helpers/ are sorted by the header they wrap, as
 * in rust/helpers of the kernel tree.
 *
 * C because: a macro has no symbol.
 */

#define __rust_helper

/* What only filesystem-DAX needs may refer to symbols that are not exported. */
#if defined(CONFIG_FS_DAX_RUST) && (!defined(MODULE) || defined(__BINDGEN__))
#define EXT_FS_DAX
#endif

#include "helpers/dax.c"
#include "helpers/device.c"
#include "helpers/fs.c"
#include "helpers/idr.c"
#include "helpers/memremap.c"
#include "helpers/mm.c"
#include "helpers/numa.c"
#include "helpers/nvdimm.c"
#include "helpers/pagemap.c"
#include "helpers/pmem.c"
#include "helpers/sched.c"
#include "helpers/signal.c"
#include "helpers/srcu.c"
#include "helpers/timer.c"
#include "helpers/wait.c"
#include "helpers/xarray.c"

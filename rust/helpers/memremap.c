// SPDX-License-Identifier: GPL-2.0

#include <linux/memremap.h>

#ifdef EXT_FS_DAX

__rust_helper void rust_ext_helper_put_dev_pagemap(struct dev_pagemap *pgmap)
{
	put_dev_pagemap(pgmap);
}

#endif

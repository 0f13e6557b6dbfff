// SPDX-License-Identifier: GPL-2.0

#include <linux/pagemap.h>

#ifdef EXT_FS_DAX

__rust_helper void
rust_ext_helper_mapping_set_error(struct address_space *mapping, int error)
{
	mapping_set_error(mapping, error);
}

#endif

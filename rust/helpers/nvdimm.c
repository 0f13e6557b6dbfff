// SPDX-License-Identifier: GPL-2.0

#include <linux/device.h>
#include <linux/libnvdimm.h>
#include <linux/nd.h>
#include "btt.h"
#include "nd.h"
#include "pfn.h"

/* The copy in vmlinux cannot refer to a module. */
#if defined(MODULE) || IS_BUILTIN(CONFIG_LIBNVDIMM)

__rust_helper bool rust_ext_helper_is_nd_btt(struct device *dev)
{
	return is_nd_btt(dev);
}

__rust_helper bool rust_ext_helper_is_nd_pfn(struct device *dev)
{
	return is_nd_pfn(dev);
}

__rust_helper int rust_ext_helper_nd_btt_probe(struct device *dev,
					       struct nd_namespace_common *ndns)
{
	return nd_btt_probe(dev, ndns);
}

__rust_helper int rust_ext_helper_nd_pfn_probe(struct device *dev,
					       struct nd_namespace_common *ndns)
{
	return nd_pfn_probe(dev, ndns);
}

__rust_helper int rust_ext_helper_nd_dax_probe(struct device *dev,
					       struct nd_namespace_common *ndns)
{
	return nd_dax_probe(dev, ndns);
}

__rust_helper int rust_ext_helper_nvdimm_setup_pfn(struct nd_pfn *nd_pfn,
						   struct dev_pagemap *pgmap)
{
	return nvdimm_setup_pfn(nd_pfn, pgmap);
}

__rust_helper u32 rust_ext_helper_nd_info_block_reserve(void)
{
	return nd_info_block_reserve();
}

#endif

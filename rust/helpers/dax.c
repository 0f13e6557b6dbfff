// SPDX-License-Identifier: GPL-2.0

#include <linux/dax.h>
#include "dax-private.h"
#include "bus.h"

__rust_helper struct dax_device_driver *
rust_ext_helper_to_dax_drv(struct device_driver *drv)
{
	return to_dax_drv(drv);
}

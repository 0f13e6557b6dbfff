// SPDX-License-Identifier: GPL-2.0

#include <linux/xarray.h>

__rust_helper void rust_ext_helper_xa_lock_irq(struct xarray *xa)
{
	xa_lock_irq(xa);
}

__rust_helper void rust_ext_helper_xa_unlock_irq(struct xarray *xa)
{
	xa_unlock_irq(xa);
}

// SPDX-License-Identifier: GPL-2.0

#include <linux/srcu.h>

__rust_helper int rust_ext_helper_srcu_read_lock(struct srcu_struct *ssp)
{
	return srcu_read_lock(ssp);
}

__rust_helper void rust_ext_helper_srcu_read_unlock(struct srcu_struct *ssp,
						    int idx)
{
	srcu_read_unlock(ssp, idx);
}

#ifdef CONFIG_LOCKDEP
__rust_helper void rust_ext_helper_srcu_assert_held(struct srcu_struct *ssp)
{
	lockdep_assert_held(ssp);
}
#endif

// SPDX-License-Identifier: GPL-2.0

#include <linux/iov_iter.h>
#include "pmem.h"

__rust_helper size_t rust_ext_helper_pmem_copy_from_iter(void *to, size_t len,
							 struct iov_iter *iter)
{
	size_t copied;

	copied = iterate_and_advance(iter, len, to, rust_ext_pmem_step_user,
				     rust_ext_pmem_step_kernel);
	if (!user_backed_iter(iter))
		return copied;

	/* The data is durable on return, as with _copy_from_iter_flushcache(). */
	wmb();
	return copied;
}

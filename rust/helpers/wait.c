// SPDX-License-Identifier: GPL-2.0

#include <linux/wait.h>

/* All queues that this initialises are one class for lockdep. */
__rust_helper void
rust_ext_helper_init_waitqueue_head(struct wait_queue_head *wq_head)
{
	init_waitqueue_head(wq_head);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interfaces of the Rust DAX core (CONFIG_DAX_RUST) beyond <linux/dax.h>.
 */
#ifndef _LINUX_DAX_EXT_H
#define _LINUX_DAX_EXT_H

#include <linux/cdev.h>
#include <linux/dax.h>
#include <linux/fs.h>

/**
 * struct dax_device_head - the beginning of a struct dax_device of this core
 * @inode: carries the reference count of the device
 * @cdev: room for the character device of device-dax
 * @private: what the driver gave to alloc_dax() or alloc_dax_ext()
 *
 * For an operation, which is only called for a device that is alive: it reads
 * @private without the test of dax_get_private().
 */
struct dax_device_head {
	struct inode inode;
	struct cdev cdev;
	void *private;
};

/**
 * struct dax_operations_ext - operations of a device, with optional ones
 * @base: what every core understands; must be the first member
 * @copy_from_iter: store @bytes from the iterator at @addr, such that a
 *	dax_flush() of the range is not needed for persistence. Returns the
 *	number of bytes stored. NULL: an ordinary copy.
 * @copy_to_iter: load @bytes from @addr into the iterator, surviving what the
 *	memory does when it is read. Returns the number of bytes loaded.
 *	NULL: an ordinary copy.
 * @flush: write back what the CPU caches hold of the range, which is mapped.
 *	NULL: the device needs no cache maintenance.
 *
 * Called under dax_read_lock() for a device that was found alive since, so
 * that kill_dax() does not return before the operation does; but for @flush,
 * which some callers call later, for a window that they still have.
 */
struct dax_operations_ext {
	struct dax_operations base;
	size_t (*copy_from_iter)(struct dax_device *dax_dev, pgoff_t pgoff,
				 void *addr, size_t bytes, struct iov_iter *iter);
	size_t (*copy_to_iter)(struct dax_device *dax_dev, pgoff_t pgoff,
			       void *addr, size_t bytes, struct iov_iter *iter);
	void (*flush)(struct dax_device *dax_dev, void *addr, size_t size);
};

struct dax_device *alloc_dax_ext(void *private,
				 const struct dax_operations_ext *ops);

/* A host that has no block device is found by its name. */
int dax_add_host_name(struct dax_device *dax_dev, const char *name);
void dax_remove_host_name(const char *name);
struct dax_device *dax_get_by_host(const char *name);

#endif /* _LINUX_DAX_EXT_H */

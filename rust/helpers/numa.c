// SPDX-License-Identifier: GPL-2.0

#include <linux/memory_hotplug.h>
#include <linux/numa.h>

__rust_helper int rust_ext_helper_memory_target_node(u64 start)
{
	return phys_to_target_node(start);
}

__rust_helper int rust_ext_helper_memory_online_node(int node)
{
	return numa_map_to_online_node(node);
}

// SPDX-License-Identifier: GPL-2.0

#include <linux/mm.h>
#include <linux/set_memory.h>

__rust_helper bool rust_ext_helper_test_and_clear_hwpoison(unsigned long pfn)
{
#ifdef CONFIG_MEMORY_FAILURE
	return TestClearPageHWPoison(pfn_to_page(pfn));
#else
	return false;
#endif
}

__rust_helper int rust_ext_helper_clear_mce_nospec(unsigned long pfn)
{
	return clear_mce_nospec(pfn);
}

// SPDX-License-Identifier: GPL-2.0

#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/set_memory.h>
#include <linux/vmstat.h>

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

#ifdef EXT_FS_DAX

__rust_helper struct page *rust_ext_helper_pfn_to_page(unsigned long pfn)
{
	return pfn_to_page(pfn);
}

__rust_helper struct folio *rust_ext_helper_pfn_folio(unsigned long pfn)
{
	return pfn_folio(pfn);
}

__rust_helper unsigned long rust_ext_helper_folio_pfn(const struct folio *folio)
{
	return folio_pfn(folio);
}

__rust_helper int rust_ext_helper_folio_mapcount(const struct folio *folio)
{
	return folio_mapcount(folio);
}

__rust_helper void rust_ext_helper_folio_ref_inc(struct folio *folio)
{
	folio_ref_inc(folio);
}

__rust_helper void rust_ext_helper_folio_put(struct folio *folio)
{
	folio_put(folio);
}

__rust_helper struct dev_pagemap *rust_ext_helper_folio_pgmap(const struct folio *folio)
{
	return page_pgmap(&folio->page);
}

__rust_helper void rust_ext_helper_folio_reset_order(struct folio *folio)
{
	folio_reset_order(folio);
}

__rust_helper void rust_ext_helper_folio_clear_head(struct folio *folio)
{
	ClearPageHead(&folio->page);
}

__rust_helper void rust_ext_helper_set_page_uptodate(struct page *page)
{
	__SetPageUptodate(page);
}

__rust_helper void rust_ext_helper_clear_user_highpage(struct page *page,
						       unsigned long vaddr)
{
	clear_user_highpage(page, vaddr);
}

__rust_helper unsigned long rust_ext_helper_zero_pfn(unsigned long vaddr)
{
	return zero_pfn(vaddr);
}

__rust_helper bool rust_ext_helper_pmd_none(pmd_t pmd)
{
	return pmd_none(pmd);
}

__rust_helper bool rust_ext_helper_pmd_trans_huge(pmd_t pmd)
{
	return pmd_trans_huge(pmd);
}

__rust_helper void rust_ext_helper_split_huge_pmd(struct vm_area_struct *vma,
						  pmd_t *pmd,
						  unsigned long address)
{
	split_huge_pmd(vma, pmd, address);
}

__rust_helper void rust_ext_helper_count_vm_event(enum vm_event_item item)
{
	count_vm_event(item);
}

__rust_helper void rust_ext_helper_count_memcg_event_mm(struct mm_struct *mm,
							enum vm_event_item item)
{
	count_memcg_event_mm(mm, item);
}

#endif

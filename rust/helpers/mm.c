// SPDX-License-Identifier: GPL-2.0

#include <linux/cacheflush.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pgtable.h>
#include <linux/set_memory.h>
#include <linux/userfaultfd_k.h>
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

__rust_helper bool rust_ext_helper_is_zero_pfn(unsigned long pfn)
{
	return is_zero_pfn(pfn);
}

__rust_helper bool rust_ext_helper_mm_forbids_zeropage(struct mm_struct *mm)
{
	return mm_forbids_zeropage(mm);
}

__rust_helper void rust_ext_helper_add_mm_counter_file(struct mm_struct *mm,
						       struct folio *folio,
						       long pages)
{
	add_mm_counter(mm, mm_counter_file(folio), pages);
}

__rust_helper bool rust_ext_helper_pte_none(pte_t pte)
{
	return pte_none(pte);
}

__rust_helper bool rust_ext_helper_pte_present(pte_t pte)
{
	return pte_present(pte);
}

__rust_helper unsigned long rust_ext_helper_pte_pfn(pte_t pte)
{
	return pte_pfn(pte);
}

/* The names up to 7.2; this goes away with it. */
#ifndef pgtable_supports_uffd
#define pte_uffd pte_uffd_wp
#define pte_mkuffd pte_mkuffd_wp
#endif

__rust_helper bool rust_ext_helper_pte_uffd(pte_t pte)
{
	return pte_uffd(pte);
}

__rust_helper bool rust_ext_helper_pte_is_uffd_wp_marker(pte_t pte)
{
	return pte_is_uffd_wp_marker(pte);
}

__rust_helper pte_t rust_ext_helper_pte_mkuffd(pte_t pte)
{
	return pte_mkuffd(pte);
}

__rust_helper pte_t rust_ext_helper_mk_zero_pte(struct vm_area_struct *vma,
						unsigned long pfn)
{
	return pte_mkspecial(pfn_pte(pfn, vma->vm_page_prot));
}

__rust_helper pte_t rust_ext_helper_mk_file_pte(struct vm_area_struct *vma,
						struct page *page, bool write)
{
	pte_t pte = mk_pte(page, vma->vm_page_prot);

	flush_dcache_folio(page_folio(page));
	if (write)
		pte = maybe_mkwrite(pte_mkyoung(pte_mkdirty(pte)), vma);
	return pte;
}

__rust_helper void rust_ext_helper_set_pte_at(struct vm_area_struct *vma,
					      unsigned long addr, pte_t *ptep,
					      pte_t pte)
{
	set_pte_at(vma->vm_mm, addr, ptep, pte);
	update_mmu_cache(vma, addr, ptep);
}

__rust_helper void rust_ext_helper_pte_allow_write(struct vm_area_struct *vma,
						   unsigned long addr,
						   pte_t *ptep, pte_t pte)
{
	pte = pte_mkyoung(maybe_mkwrite(pte, vma));
	if (ptep_set_access_flags(vma, addr, ptep, pte, 1))
		update_mmu_cache(vma, addr, ptep);
}

__rust_helper void rust_ext_helper_pte_unmap_unlock(pte_t *pte,
						    spinlock_t *ptl)
{
	pte_unmap_unlock(pte, ptl);
}

__rust_helper bool rust_ext_helper_pmd_none(pmd_t pmd)
{
	return pmd_none(pmd);
}

__rust_helper bool rust_ext_helper_pmd_trans_huge(pmd_t pmd)
{
	return pmd_trans_huge(pmd);
}

__rust_helper unsigned long rust_ext_helper_pmd_pfn(pmd_t pmd)
{
	return pmd_pfn(pmd);
}

__rust_helper bool rust_ext_helper_is_huge_zero_pmd(pmd_t pmd)
{
	return is_huge_zero_pmd(pmd);
}

__rust_helper void rust_ext_helper_set_zero_pmd(struct vm_area_struct *vma,
						unsigned long addr, pmd_t *pmdp,
						struct folio *folio)
{
	pmd_t pmd = pmd_mkspecial(folio_mk_pmd(folio, vma->vm_page_prot));

	set_pmd_at(vma->vm_mm, addr, pmdp, pmd);
	update_mmu_cache_pmd(vma, addr, pmdp);
}

__rust_helper void rust_ext_helper_set_file_pmd(struct vm_area_struct *vma,
						unsigned long addr, pmd_t *pmdp,
						struct folio *folio, bool write)
{
	pmd_t pmd = folio_mk_pmd(folio, vma->vm_page_prot);

	if (write) {
		pmd = pmd_mkyoung(pmd_mkdirty(pmd));
		if (vma->vm_flags & VM_WRITE)
			pmd = pmd_mkwrite(pmd, vma);
	}
	set_pmd_at(vma->vm_mm, addr, pmdp, pmd);
	update_mmu_cache_pmd(vma, addr, pmdp);
}

__rust_helper void rust_ext_helper_pmd_allow_write(struct vm_area_struct *vma,
						   unsigned long addr,
						   pmd_t *pmdp, pmd_t pmd)
{
	pmd = pmd_mkdirty(pmd_mkyoung(pmd));
	if (vma->vm_flags & VM_WRITE)
		pmd = pmd_mkwrite(pmd, vma);
	if (pmdp_set_access_flags(vma, addr, pmdp, pmd, 1))
		update_mmu_cache_pmd(vma, addr, pmdp);
}

__rust_helper spinlock_t *rust_ext_helper_pmd_lock(struct mm_struct *mm,
						   pmd_t *pmd)
{
	return pmd_lock(mm, pmd);
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

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _FS_DAX_H
#define _FS_DAX_H

/* From abi/init.rs, for exports.c. */
int fs_dax_init(void);

/* From sys/folio_users.c, for sys/folio/usage.rs. Interrupts are off. */
void fs_dax_folio_users_lock(unsigned long pfn);
void fs_dax_folio_users_unlock(unsigned long pfn);

#endif

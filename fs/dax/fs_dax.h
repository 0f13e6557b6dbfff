/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _FS_DAX_H
#define _FS_DAX_H

/* Between exports.c and ffi.rs. */
int fs_dax_init(void);

#endif

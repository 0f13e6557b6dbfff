// SPDX-License-Identifier: GPL-2.0

//! Pseudo filesystems: a kernel-internal mount whose inodes carry the reference count, the
//! page cache and the device number of kernel objects.
//!
//! C headers: [`include/linux/pseudo_fs.h`](srctree/include/linux/pseudo_fs.h),
//! [`include/linux/fs.h`](srctree/include/linux/fs.h)

mod cache;
mod filesystem;
mod index;
mod object;

pub(crate) use cache::Recycled;
pub(crate) use filesystem::{
    FileSystem,
    Fresh,
    Mount,
    Type, //
};
pub(crate) use index::Index;
pub(crate) use object::Object;

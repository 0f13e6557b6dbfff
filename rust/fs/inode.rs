// SPDX-License-Identifier: GPL-2.0

//! Inodes.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    mapping::AddressSpace,
    S_DAX,
    S_IFCHR, //
};
use crate::bindings;
use kernel::{
    ffi::c_int,
    types::Opaque, //
};

/// The part of a mode that says what kind of file it is.
const S_IFMT: u16 = bindings::S_IFMT as u16;

/// An inode (`struct inode`).
///
/// # Invariants
///
/// The structure is initialised.
#[repr(transparent)]
pub struct Inode(Opaque<bindings::inode>);

// SAFETY: C synchronises what is not constant.
unsafe impl Send for Inode {}
// SAFETY: As for `Send`.
unsafe impl Sync for Inode {}

impl Inode {
    /// The inode at `ptr`.
    ///
    /// # Safety
    ///
    /// `ptr` must be an initialised inode that lives for `'a`.
    #[inline]
    pub const unsafe fn from_raw<'a>(ptr: *mut bindings::inode) -> &'a Self {
        // CAST: `Inode` is transparent to the C structure.
        // SAFETY: The caller ensures that the pointer is valid for `'a`.
        unsafe { &*ptr.cast() }
    }

    /// The inode as C names it.
    #[inline]
    pub const fn as_raw(&self) -> *mut bindings::inode {
        self.0.get()
    }

    /// The pages of the file (`i_mapping`).
    #[inline]
    pub fn mapping(&self) -> &AddressSpace {
        // SAFETY: The inode is valid by the type invariants; its mapping is set before anybody
        // else sees the inode, and lives as long.
        unsafe { AddressSpace::from_raw((*self.as_raw()).i_mapping) }
    }

    /// Whether the memory of the file is accessed in place (`IS_DAX()`).
    #[inline]
    pub fn is_dax(&self) -> bool {
        // SAFETY: The inode is valid by the type invariants. C reads the flags without a lock too.
        unsafe { (&raw const (*self.as_raw()).i_flags).read_volatile() & S_DAX != 0 }
    }

    /// Whether the file has a name (`i_nlink`).
    #[inline]
    pub fn is_linked(&self) -> bool {
        // SAFETY: The inode is valid by the type invariants. C reads the number without a lock too.
        unsafe { (&raw const (*self.as_raw()).__bindgen_anon_1.i_nlink).read_volatile() != 0 }
    }

    /// Whether the inode is a character device.
    #[inline]
    pub fn is_character_device(&self) -> bool {
        // SAFETY: The inode is valid by the type invariants, and its kind does not change.
        unsafe { (*self.as_raw()).i_mode & S_IFMT == S_IFCHR }
    }

    /// The number of bits of the offset of a byte in its block.
    #[inline]
    pub fn block_bits(&self) -> u32 {
        // SAFETY: The inode is valid by the type invariants.
        u32::from(unsafe { (*self.as_raw()).i_blkbits })
    }

    /// The size of the file, in bytes (`i_size_read()`).
    ///
    /// It may change at any time unless the caller holds a lock of the filesystem.
    #[inline]
    pub fn size(&self) -> i64 {
        // SAFETY: The inode is valid by the type invariants. On x86-64, C reads the size without a
        // lock too: one aligned load, which no later load passes.
        unsafe { (&raw const (*self.as_raw()).i_size).read_volatile() }
    }

    /// Warns, with lockdep, if nobody holds the inode's lock.
    #[inline]
    pub fn assert_locked(&self) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The inode is valid by the type invariants.
        unsafe {
            bindings::inode_assert_held(self.as_raw())
        };
    }

    /// Warns, with lockdep, if nobody holds the inode's lock exclusively.
    #[inline]
    pub fn assert_locked_exclusively(&self) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The inode is valid by the type invariants.
        unsafe {
            bindings::inode_assert_held_write(self.as_raw())
        };
    }

    /// Whether the filesystem cannot be written to (`sb_rdonly()`). May be out of date at once.
    #[inline]
    pub fn is_on_readonly_sb(&self) -> bool {
        // SAFETY: The inode is valid by the type invariants, and its superblock lives as long.
        let flags = unsafe { (&raw const (*(*self.as_raw()).i_sb).s_flags).read_volatile() };
        flags & bindings::SB_RDONLY != 0
    }

    /// Notes that pages of the file are dirty (`__mark_inode_dirty(I_DIRTY_PAGES)`). May sleep.
    #[inline]
    pub fn mark_pages_dirty(&self) {
        // SAFETY: The inode is valid by the type invariants.
        unsafe {
            bindings::__mark_inode_dirty(
                self.as_raw(),
                bindings::inode_state_flags_enum_I_DIRTY_PAGES as c_int,
            )
        };
    }
}

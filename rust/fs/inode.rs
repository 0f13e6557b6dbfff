// SPDX-License-Identifier: GPL-2.0

//! Inodes.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    S_DAX,
    S_IFCHR, //
};
use crate::bindings;
use core::sync::atomic::{
    AtomicI32,
    Ordering, //
};
use kernel::{
    ffi::c_int,
    types::Opaque, //
};

/// The part of a mode that says what kind of file it is.
const S_IFMT: u16 = bindings::S_IFMT as u16;

/// An inode (`struct inode`).
///
/// # Examples
///
/// ```
/// use kernel_ext::fs::inode::Inode;
///
/// /// The number of blocks up to the end of the file.
/// fn blocks(inode: &Inode) -> u64 {
///     (inode.size() as u64).div_ceil(1 << inode.block_bits())
/// }
/// # let _ = blocks;
/// ```
///
/// # Invariants
///
/// The structure is initialised, and is the inode of a file of a superblock.
#[repr(transparent)]
pub struct Inode(Opaque<bindings::inode>);

// SAFETY: A reference to an inode may be used by any task: the methods read fields that are
// constant or that C reads without a lock too, and call functions of C that take the locks that
// they need.
unsafe impl Send for Inode {}
// SAFETY: For the same reason several tasks may use the same inode.
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
        // INVARIANT: The caller ensures that the inode is initialised.
        // SAFETY: The caller ensures that the pointer is valid for `'a`.
        unsafe { &*ptr.cast() }
    }

    /// The inode as C names it.
    #[inline]
    pub const fn as_raw(&self) -> *mut bindings::inode {
        self.0.get()
    }

    /// Whether reads and writes access the memory of the file in place (`IS_DAX()`).
    #[inline]
    pub fn is_dax(&self) -> bool {
        // SAFETY: The inode is valid by the type invariants. C reads the flags without a lock too.
        unsafe { (&raw const (*self.as_raw()).i_flags).read_volatile() & S_DAX != 0 }
    }

    /// Whether a directory has the file (`i_nlink`).
    #[inline]
    pub fn is_linked(&self) -> bool {
        // SAFETY: The inode is valid by the type invariants. C reads the count without a lock too.
        unsafe { (&raw const (*self.as_raw()).__bindgen_anon_1.i_nlink).read_volatile() != 0 }
    }

    /// Whether the inode is a character device.
    #[inline]
    pub fn is_character_device(&self) -> bool {
        // SAFETY: The inode is valid by the type invariants. The part of the mode that is looked at
        // does not change.
        unsafe { (*self.as_raw()).i_mode & S_IFMT == S_IFCHR }
    }

    /// The number of bits of the offset of a byte in its block.
    #[inline]
    pub fn block_bits(&self) -> u32 {
        // SAFETY: The inode is valid by the type invariants. Its filesystem sets the field before
        // it hands the inode out.
        u32::from(unsafe { (*self.as_raw()).i_blkbits })
    }

    /// The size of the file, in bytes (`i_size_read()`).
    ///
    /// It may change at any time unless the caller holds the lock that the filesystem has against
    /// truncation.
    #[inline]
    pub fn size(&self) -> i64 {
        // SAFETY: The inode is valid by the type invariants. On x86-64, C reads the size without a
        // lock too: by one aligned load, which later loads do not overtake.
        unsafe { (&raw const (*self.as_raw()).i_size).read_volatile() }
    }

    /// Warns, with lockdep, if the current task does not hold the lock of the inode.
    #[inline]
    pub fn assert_locked(&self) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The inode is valid by the type invariants. The function reads the state of
        // lockdep.
        unsafe {
            bindings::inode_assert_held(self.as_raw())
        };
    }

    /// Warns, with lockdep, if the current task does not hold the lock of the inode exclusively.
    #[inline]
    pub fn assert_locked_exclusively(&self) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The inode is valid by the type invariants. The function reads the state of
        // lockdep.
        unsafe {
            bindings::inode_assert_held_write(self.as_raw())
        };
    }

    /// Whether the filesystem is read-only (`sb_rdonly()`). A remount may change that at any time.
    #[inline]
    pub fn is_on_readonly_sb(&self) -> bool {
        // SAFETY: The inode is valid by the type invariants, and keeps its superblock. C reads the
        // flags without a lock too.
        let flags = unsafe { (&raw const (*(*self.as_raw()).i_sb).s_flags).read_volatile() };
        flags & bindings::SB_RDONLY != 0
    }

    #[inline]
    fn direct_io_count(&self) -> &AtomicI32 {
        // SAFETY: The inode is valid by the type invariants. All tasks change the counter
        // atomically.
        unsafe { AtomicI32::from_ptr(&raw mut (*self.as_raw()).i_dio_count.counter) }
    }

    /// Whether direct I/O is under way (`i_dio_count`). May be out of date at once.
    ///
    /// If not, the caller sees what that of [`Inode::begin_direct_io`] has done.
    #[inline]
    pub fn has_direct_io(&self) -> bool {
        self.direct_io_count().load(Ordering::Acquire) != 0
    }

    /// Counts the current task as one that does direct I/O (`inode_dio_begin()`), until the result
    /// is dropped.
    ///
    /// The task must hold the lock of the inode exclusively. Then no task waits for the end, which
    /// `inode_dio_end()` would look for: a task that waits for direct I/O holds a lock that keeps
    /// new I/O from beginning.
    #[inline]
    pub fn begin_direct_io(&self) -> DirectIo<'_> {
        self.assert_locked_exclusively();
        self.direct_io_count().fetch_add(1, Ordering::Relaxed);
        // INVARIANT: Just counted.
        DirectIo(self)
    }

    /// Notes that pages of the file are dirty (`__mark_inode_dirty(I_DIRTY_PAGES)`). May sleep.
    #[inline]
    pub fn mark_pages_dirty(&self) {
        // SAFETY: The inode is valid by the type invariants. The function takes the locks it needs.
        unsafe {
            bindings::__mark_inode_dirty(
                self.as_raw(),
                bindings::inode_state_flags_enum_I_DIRTY_PAGES as c_int,
            )
        };
    }
}

/// The current task counts as one that does direct I/O, until this is dropped.
///
/// # Examples
///
/// ```
/// use kernel_ext::fs::inode::Inode;
///
/// fn write_directly(inode: &Inode, write: impl FnOnce()) {
///     let _counted = inode.begin_direct_io();
///     write();
/// }
/// # let _ = |inode: &Inode| write_directly(inode, || ());
/// ```
///
/// # Invariants
///
/// The count of the inode has one for this.
#[must_use = "the I/O ends immediately when this is unused"]
pub struct DirectIo<'a>(&'a Inode);

impl Drop for DirectIo<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.direct_io_count().fetch_sub(1, Ordering::Release);
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The type of a pseudo filesystem, and its mount.

use super::{
    cache::{
        Cache,
        Recycled, //
    },
    object::Object,
};
use crate::sys::cdev::{
    Cdev,
    DevT, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{
        self,
        addr_of_mut,
        NonNull, //
    },
};
use kernel::{
    error::from_err_ptr,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
    },
    types::Opaque,
};
use kernel_ext::bindings;

/// A type whose objects live in the inodes of a pseudo filesystem.
///
/// Objects are recycled by a slab cache: [`Recycled::new`] makes a free one, [`Type::reset`] runs each
/// time one is taken, [`Type::destroy`] when its last reference has gone.
///
/// # Safety
///
/// [`Type::filesystem`] must return the same object each time.
pub(crate) unsafe trait Type: Recycled + Send + Sync + Sized + 'static {
    /// The name of the filesystem (in the mount structures of the kernel, not in user space).
    const NAME: &'static CStr;
    /// The magic number of the superblock.
    const MAGIC: usize;
    /// The type of the inodes and their permissions (`i_mode`), such as `S_IFCHR`.
    const MODE: u16;
    /// `S_*` flags of the inodes (`i_flags`).
    const FLAGS: u32;

    /// The filesystem that the objects live in.
    fn filesystem() -> &'static FileSystem<Self>;

    /// Prepares an object that is being allocated.
    fn reset(fresh: Fresh<'_, Self>);

    /// Prepares an object that a lookup has just made.
    fn start(fresh: Fresh<'_, Self>);

    /// The character device that the inode is, for `chrdev_open()`.
    fn cdev(&self) -> &Cdev;

    /// Ends an object whose last reference has gone. May sleep.
    fn destroy(object: &Object<Self>);
}

/// A value that no other task can reach yet. Only the filesystem makes one.
pub(crate) struct Fresh<'a, T>(&'a T);

impl<T> Deref for Fresh<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

/// A pseudo filesystem, which must be a `static`.
///
/// # Invariants
///
/// - The cache of `T::filesystem()` exists while there is a superblock or an inode of the filesystem.
/// - `sb` is NULL, or the superblock of a mount that is never undone.
pub(crate) struct FileSystem<T> {
    fs_type: Opaque<bindings::file_system_type>,
    cache: Cache<T>,
    sb: Atomic<*mut bindings::super_block>,
    _type: PhantomData<fn() -> T>,
}

// SAFETY:
// - Only C accesses `fs_type`, and synchronises these accesses.
// - The other fields are atomic.
unsafe impl<T: Type> Sync for FileSystem<T> {}

impl<T: Type> FileSystem<T> {
    const SUPER_OPS: bindings::super_operations = bindings::super_operations {
        statfs: Some(bindings::simple_statfs),
        alloc_inode: Some(Self::alloc_inode),
        destroy_inode: Some(Self::destroy_inode),
        free_inode: Some(Self::free_inode),
        drop_inode: Some(bindings::inode_just_drop),
        ..pin_init::zeroed()
    };

    /// A filesystem that is not mounted.
    pub(crate) const fn new() -> Self {
        // INVARIANT: There is no superblock, and no inode.
        Self {
            fs_type: Opaque::new(bindings::file_system_type {
                name: kernel::str::as_char_ptr_in_const_context(T::NAME),
                init_fs_context: Some(Self::init_fs_context),
                kill_sb: Some(bindings::kill_anon_super),
                ..pin_init::zeroed()
            }),
            cache: Cache::new(),
            sb: Atomic::new(ptr::null_mut()),
            _type: PhantomData,
        }
    }

    /// Makes the slab cache and mounts the filesystem of `T`, which has objects once the mount is
    /// kept.
    ///
    /// Fails with `ENOMEM`, with `EBUSY` if it is mounted, or as mounting does. Sleeps.
    pub(crate) fn mount() -> Result<Mount<T>> {
        let fs = T::filesystem();
        // INVARIANT: The cache exists before there is a superblock.
        fs.cache.create()?;
        // SAFETY: The type is static, and `new` filled it in.
        let mnt = unsafe { bindings::kern_mount(fs.fs_type.get()) };
        let mnt = from_err_ptr(mnt).inspect_err(|_| {
            // SAFETY: Mounting failed, so that there is no superblock, and no inode.
            unsafe { fs.cache.destroy() }
        })?;
        // INVARIANT: Mounted just now; there is no other mount, which would have the cache.
        Ok(Mount { fs, mnt })
    }

    /// The object with the number `devt`, which is made if there is none.
    ///
    /// `None` if memory is short or the filesystem is not mounted. May sleep.
    pub(crate) fn get(&self, devt: DevT) -> Option<ARef<Object<T>>> {
        // ORDERING: Pairs with the release in `Mount::keep`.
        let sb = self.sb.load(Acquire);
        if sb.is_null() {
            return None;
        }

        let mut raw = devt.as_raw();
        // SAFETY:
        // - `sb` is a superblock of this type that is never unmounted, by the type invariant.
        // - The callbacks get inodes of `sb` and the pointer to `raw`, a device number.
        let inode = NonNull::new(unsafe {
            bindings::iget5_locked(
                sb,
                // C mixes the bits (`hash()` in fs/inode.c).
                u64::from(raw),
                Some(Self::test),
                Some(Self::set),
                addr_of_mut!(raw).cast(),
            )
        })?;
        // CAST: `alloc_inode` made the inode, which is the first member of an object.
        // SAFETY: `iget5_locked` took a reference to the inode for us.
        let object = unsafe { ARef::from_raw(inode.cast::<Object<T>>()) };

        // SAFETY:
        // - `object` has a reference to the inode.
        // - The state is read by a single load, as C does (`inode_state_read_once()`).
        let state = unsafe { (&raw const (*inode.as_ptr()).i_state.__state).read_volatile() };
        if state & bindings::inode_state_flags_enum_I_NEW != 0 {
            T::start(Fresh(&object));
            // SAFETY:
            // - `object` has a reference to the inode.
            // - `I_NEW` makes all other tasks that find the inode wait for `unlock_new_inode`.
            unsafe {
                let inode = inode.as_ptr();
                (*inode).__bindgen_anon_5.i_cdev = object.cdev().as_raw();
                (*inode).i_mode = T::MODE;
                (*inode).i_flags = T::FLAGS;
                (*inode).i_data.gfp_mask = bindings::GFP_USER;
                bindings::unlock_new_inode(inode);
            }
        }
        Some(object)
    }

    /// # Safety
    ///
    /// `inode` must be an inode of this filesystem, `data` a pointer to a `dev_t`.
    unsafe extern "C" fn test(inode: *mut bindings::inode, data: *mut c_void) -> c_int {
        // SAFETY: The caller ensures that `inode` is an inode and that `data` leads to a `dev_t`.
        c_int::from(unsafe { (*inode).i_rdev == *data.cast::<bindings::dev_t>() })
    }

    /// # Safety
    ///
    /// `inode` must be a new inode of this filesystem, `data` a pointer to a `dev_t`.
    unsafe extern "C" fn set(inode: *mut bindings::inode, data: *mut c_void) -> c_int {
        // SAFETY:
        // - The caller ensures that `data` leads to a `dev_t`.
        // - The caller ensures that the inode is new: `iget5_locked()` holds a lock around this, and
        //   nothing else can reach the inode yet.
        unsafe { (*inode).i_rdev = *data.cast::<bindings::dev_t>() };
        0
    }

    /// # Safety
    ///
    /// `sb` must be a superblock of this filesystem.
    unsafe extern "C" fn alloc_inode(sb: *mut bindings::super_block) -> *mut bindings::inode {
        // SAFETY: The caller ensures that `sb` is a superblock of this filesystem, for which there is a
        // cache by the type invariant, until the last inode has gone.
        let Some(object) = (unsafe { T::filesystem().cache.alloc(sb) }) else {
            return ptr::null_mut();
        };
        let object = object.as_ptr();
        // SAFETY:
        // - The constructor of the cache initialised the object when its slot was made.
        // - The allocation has just taken the object out of the cache, for this task alone.
        unsafe {
            (*(*object).inode.get()).i_rdev = 0;
            T::reset(Fresh(&(*object).value));
        }
        object.cast()
    }

    /// # Safety
    ///
    /// `inode` must be an inode of this filesystem whose last reference has gone, and that has not
    /// been freed yet.
    unsafe extern "C" fn destroy_inode(inode: *mut bindings::inode) {
        // SAFETY:
        // - The caller ensures that the inode is one of this filesystem: part of an object.
        // - C frees it (`free_inode`) an RCU grace period after this function.
        T::destroy(unsafe { &*Object::<T>::from_inode(inode) });
    }

    /// # Safety
    ///
    /// `inode` must be an inode of this filesystem that was destroyed an RCU grace period ago.
    unsafe extern "C" fn free_inode(inode: *mut bindings::inode) {
        if let Some(object) = NonNull::new(Object::<T>::from_inode(inode)) {
            // SAFETY:
            // - `alloc_inode` made the inode, as part of an object from this cache.
            // - After the grace period nothing can reach the object.
            unsafe { T::filesystem().cache.free(object) };
        }
    }

    /// # Safety
    ///
    /// `fc` must be a new filesystem context of this type.
    unsafe extern "C" fn init_fs_context(fc: *mut bindings::fs_context) -> c_int {
        // SAFETY: The caller ensures that the context is one of this type that C is setting up.
        let ctx = unsafe { bindings::init_pseudo(fc, T::MAGIC) };
        if ctx.is_null() {
            return ENOMEM.to_errno();
        }
        // SAFETY:
        // - `init_pseudo` returned a context that lives as long as `fc`.
        // - The operations are static.
        unsafe { (*ctx).ops = &Self::SUPER_OPS };
        0
    }
}

/// A mounted filesystem, which has no objects yet. Unmounted when dropped, unless it is kept.
///
/// # Invariants
///
/// `mnt` is the only mount of `fs`.
#[must_use = "the filesystem is unmounted immediately when this is unused"]
pub(crate) struct Mount<T: Type> {
    fs: &'static FileSystem<T>,
    mnt: *mut bindings::vfsmount,
}

impl<T: Type> Mount<T> {
    /// Keeps the filesystem mounted for good, and lets it have objects.
    pub(crate) fn keep(self) {
        let this = ManuallyDrop::new(self);
        // SAFETY: `mnt` is a mount by the type invariant, and each mount has a superblock.
        let sb = unsafe { (*this.mnt).mnt_sb };
        // INVARIANT: The mount stays, because it is not dropped.
        // ORDERING: Pairs with the acquire in `get`.
        this.fs.sb.store(sb, Release);
    }
}

impl<T: Type> Drop for Mount<T> {
    fn drop(&mut self) {
        // SAFETY:
        // - `mnt` is a mount by the type invariant.
        // - No object refers to it: `get` makes none before `keep` has stored `sb`.
        unsafe { bindings::kern_unmount(self.mnt) };
        // SAFETY: The only mount is gone, and with it the root, which RCU frees.
        unsafe { self.fs.cache.destroy() };
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The type of a pseudo filesystem, its slab cache and its mount.

use super::object::Object;
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
            Full,
            Relaxed,
            Release, //
        },
    },
    types::Opaque,
};
use kernel_ext::bindings;

/// A type whose objects live in the inodes of a pseudo filesystem.
///
/// Objects are recycled by a slab cache: [`Type::new`] makes a free one, [`Type::reset`] runs each
/// time one is taken, [`Type::destroy`] when its last reference has gone.
///
/// # Safety
///
/// [`Type::filesystem`] must return the same object each time.
pub(crate) unsafe trait Type: Send + Sync + Sized + 'static {
    /// The name of the filesystem (in the mount structures of the kernel, not in user space).
    const NAME: &'static CStr;
    /// The name of the slab cache.
    const CACHE: &'static CStr;
    /// The magic number of the superblock.
    const MAGIC: usize;
    /// The type of the inodes and their permissions (`i_mode`), such as `S_IFCHR`.
    const MODE: u16;
    /// `S_*` flags of the inodes (`i_flags`).
    const FLAGS: u32;

    /// The filesystem that the objects live in.
    fn filesystem() -> &'static FileSystem<Self>;

    /// A free object.
    fn new() -> Self;

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
/// - `cache` is NULL, or a slab cache for `Object<T>` that [`Self::init_once`] constructs.
/// - `cache` of `T::filesystem()` is not NULL while there is an inode of the filesystem.
/// - `sb` is NULL, or the superblock of a mount that is never undone.
pub(crate) struct FileSystem<T> {
    fs_type: Opaque<bindings::file_system_type>,
    cache: Atomic<*mut bindings::kmem_cache>,
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
        // INVARIANT: Both pointers are NULL.
        Self {
            fs_type: Opaque::new(bindings::file_system_type {
                name: kernel::str::as_char_ptr_in_const_context(T::NAME),
                init_fs_context: Some(Self::init_fs_context),
                kill_sb: Some(bindings::kill_anon_super),
                ..pin_init::zeroed()
            }),
            cache: Atomic::new(ptr::null_mut()),
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
        let mut args = bindings::kmem_cache_args {
            ctor: Some(Self::init_once),
            ..Default::default()
        };
        let flags =
            bindings::SLAB_HWCACHE_ALIGN | bindings::SLAB_RECLAIM_ACCOUNT | bindings::SLAB_ACCOUNT;
        // SAFETY:
        // - The name is static.
        // - The constructor writes no more than the size of the objects, which is given here.
        let cache = unsafe {
            bindings::__kmem_cache_create_args(
                T::CACHE.as_char_ptr(),
                size_of::<Object<T>>() as u32,
                &mut args,
                flags,
            )
        };
        if cache.is_null() {
            return Err(ENOMEM);
        }
        // INVARIANT: The cache has objects of this size and this constructor.
        // ORDERING: Full: one of several callers wins; `alloc_inode` runs in the mount below.
        if fs.cache.cmpxchg(ptr::null_mut(), cache, Full).is_err() {
            // SAFETY: No object was allocated from the cache, which no other task has seen.
            unsafe { bindings::kmem_cache_destroy(cache) };
            return Err(EBUSY);
        }

        // SAFETY: The type is static, and `new` filled it in.
        let mnt = unsafe { bindings::kern_mount(fs.fs_type.get()) };
        let mnt = from_err_ptr(mnt).inspect_err(|_| {
            // SAFETY: Mounting failed, so that there is no superblock, and no inode.
            unsafe { fs.destroy_cache() }
        })?;
        // INVARIANT: Mounted just now; `cache` was NULL before, so there is no other mount.
        Ok(Mount { fs, mnt })
    }

    /// Destroys the slab cache.
    ///
    /// # Safety
    ///
    /// There must be no inode of the filesystem, except for those that RCU is freeing.
    unsafe fn destroy_cache(&self) {
        let cache = self.cache.xchg(ptr::null_mut(), Full);
        // SAFETY:
        // - By the type invariant `cache` is a slab cache, or NULL, which C ignores.
        // - The caller ensures that only inodes are left that RCU frees; the barrier waits for it.
        unsafe {
            bindings::rcu_barrier();
            bindings::kmem_cache_destroy(cache);
        }
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

    /// The constructor of the slab cache.
    ///
    /// # Safety
    ///
    /// `slot` must be valid for writes of an `Object<T>`, and not be in use.
    unsafe extern "C" fn init_once(slot: *mut c_void) {
        let object = slot.cast::<Object<T>>();
        // SAFETY:
        // - The caller ensures that the slot is large enough, and not in use.
        // - `inode_init_once` gets the inode, which is the first member of the object.
        unsafe {
            object.cast::<u8>().write_bytes(0, size_of::<Object<T>>());
            addr_of_mut!((*object).value).write(T::new());
            bindings::inode_init_once(slot.cast());
        }
    }

    /// # Safety
    ///
    /// `sb` must be a superblock of this filesystem.
    unsafe extern "C" fn alloc_inode(sb: *mut bindings::super_block) -> *mut bindings::inode {
        // ORDERING: Relaxed: `mount` stored the cache before it made the superblock.
        let cache = T::filesystem().cache.load(Relaxed);
        // SAFETY:
        // - The caller ensures that `sb` is a superblock.
        // - `cache` is a slab cache by the type invariant: `mount` stores it before, and
        //   `destroy_cache` takes it out after, the time in which there is a superblock.
        let object = unsafe { bindings::alloc_inode_sb(sb, cache, bindings::GFP_KERNEL) };
        let object = object.cast::<Object<T>>();
        if object.is_null() {
            return ptr::null_mut();
        }
        // SAFETY:
        // - `init_once` initialised the object when its slot was made.
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
        // ORDERING: Relaxed: the allocation of the inode has loaded the same value.
        let cache = T::filesystem().cache.load(Relaxed);
        // The value is not dropped: the constructor runs once in the life of a slot, and `reset`
        // makes the value new.
        // SAFETY:
        // - `alloc_inode` allocated the object from this cache: `destroy_cache` waits for RCU.
        // - After the grace period nothing can reach the object.
        unsafe { bindings::kmem_cache_free(cache, inode.cast()) };
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
        unsafe { self.fs.destroy_cache() };
    }
}

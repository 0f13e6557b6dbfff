// SPDX-License-Identifier: GPL-2.0

//! Pseudo filesystems: a kernel-internal mount whose inodes carry the reference count, the
//! page cache and the device number of kernel objects.
//!
//! C headers: [`include/linux/pseudo_fs.h`](srctree/include/linux/pseudo_fs.h),
//! [`include/linux/fs.h`](srctree/include/linux/fs.h)

mod index;
pub use index::{
    Index,
    Indexed, //
};

use crate::{
    bindings,
    cdev::{
        Cdev,
        DevT, //
    },
};
use core::{
    marker::PhantomData,
    mem::{
        offset_of,
        ManuallyDrop, //
    },
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
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
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

/// What lives in the inodes of a pseudo filesystem.
///
/// Objects are recycled by a slab cache: [`Type::new`] makes a free one, [`Type::reset`] runs each
/// time one is taken, [`Type::destroy`] when its last reference has gone.
pub trait Type: Send + Sync + Sized + 'static {
    /// The name of the filesystem (in the mount structures of the kernel, not in user space).
    const NAME: &'static CStr;
    /// The name of the slab cache.
    const CACHE: &'static CStr;
    /// The magic number of the superblock.
    const MAGIC: usize;
    /// `S_IFCHR` or whatever the inodes are (`i_mode`).
    const MODE: u16;
    /// `S_*` flags of the inodes (`i_flags`).
    const FLAGS: u32;

    /// The filesystem that the objects live in.
    fn filesystem() -> &'static FileSystem<Self>;

    /// A free object.
    fn new() -> Self;

    /// Prepares an object that is being allocated and that nobody else can reach.
    fn reset(&self);

    /// Prepares an object that a lookup has just made and that still nobody else can reach.
    fn start(&self);

    /// The character device that the inode is, for `chrdev_open()`.
    fn cdev(&self) -> &Cdev;

    /// Ends an object that nobody has a reference to any more. May sleep.
    fn destroy(object: &Object<Self>);
}

/// An object of type `T` and the inode that carries it.
///
/// # Invariants
///
/// `inode` is an initialised inode of `T::filesystem()`.
#[repr(C)]
pub struct Object<T> {
    inode: Opaque<bindings::inode>,
    value: T,
}

// SAFETY: The inode is synchronised by C.
unsafe impl<T: Send> Send for Object<T> {}
// SAFETY: The inode is synchronised by C.
unsafe impl<T: Sync> Sync for Object<T> {}

impl<T> Object<T> {
    /// Where the value stands in an object, in bytes.
    pub const VALUE_OFFSET: usize = offset_of!(Self, value);

    /// The inode for C.
    #[inline]
    pub fn inode(&self) -> *mut bindings::inode {
        self.inode.get()
    }

    /// The object that `inode` is part of.
    #[inline]
    fn from_inode(inode: *mut bindings::inode) -> *mut Self {
        // CAST: The inode is the first member.
        inode.cast()
    }

    /// The device number.
    pub fn devt(&self) -> DevT {
        // SAFETY: The inode is valid by the type invariant; its number does not change.
        DevT::from_raw(unsafe { (*self.inode()).i_rdev })
    }
}

impl<T: Type> Object<T> {
    /// Takes a reference, or `None` if the last one has gone and the object is being destroyed.
    pub fn try_get(&self) -> Option<ARef<Self>> {
        // SAFETY: The inode is valid by the type invariant.
        if unsafe { bindings::igrab(self.inode()) }.is_null() {
            return None;
        }
        // SAFETY: `igrab` took the reference that the `ARef` gives back.
        Some(unsafe { ARef::from_raw(self.into()) })
    }
}

impl<T> Deref for Object<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

// SAFETY: An inode is reference counted.
unsafe impl<T: Type> AlwaysRefCounted for Object<T> {
    fn inc_ref(&self) {
        // SAFETY: The caller has a reference to the inode.
        unsafe { bindings::ihold(self.inode()) };
    }

    unsafe fn dec_ref(object: NonNull<Self>) {
        // CAST: The inode is the first member.
        // SAFETY: The caller gives up a reference that it holds.
        unsafe { bindings::iput(object.cast().as_ptr()) };
    }
}

/// A pseudo filesystem, which must be a `static`.
///
/// # Invariants
///
/// `cache` and `sb` are NULL, or a slab cache for `Object<T>` and the superblock of a mount that is
/// never undone.
pub struct FileSystem<T> {
    fs_type: Opaque<bindings::file_system_type>,
    cache: Atomic<*mut bindings::kmem_cache>,
    sb: Atomic<*mut bindings::super_block>,
    _type: PhantomData<fn() -> T>,
}

// SAFETY: `fs_type` is only used by C, which synchronises it; the rest is atomic.
unsafe impl<T: Type> Sync for FileSystem<T> {}

impl<T: Type> Default for FileSystem<T> {
    fn default() -> Self {
        Self::new()
    }
}

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
    pub const fn new() -> Self {
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

    /// Makes the slab cache and mounts the filesystem, which has objects once the mount is kept.
    ///
    /// Fails with `ENOMEM`, with `EBUSY` if it is mounted, or as mounting does. Sleeps.
    pub fn mount(&'static self) -> Result<Mount<T>> {
        let mut args = bindings::kmem_cache_args {
            ctor: Some(Self::init_once),
            ..Default::default()
        };
        let flags =
            bindings::SLAB_HWCACHE_ALIGN | bindings::SLAB_RECLAIM_ACCOUNT | bindings::SLAB_ACCOUNT;
        // SAFETY: The name is static, and the constructor expects objects of this size.
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
        // ORDERING: Full: one of several wins; `alloc_inode` runs on behalf of the mount below.
        if self.cache.cmpxchg(ptr::null_mut(), cache, Full).is_err() {
            // SAFETY: The cache has no objects.
            unsafe { bindings::kmem_cache_destroy(cache) };
            return Err(EBUSY);
        }

        // SAFETY: `self` is static, and the type is filled in.
        let mnt = from_err_ptr(unsafe { bindings::kern_mount(self.fs_type.get()) })
            .inspect_err(|_| self.destroy_cache())?;
        // INVARIANT: Mounted just now.
        Ok(Mount { fs: self, mnt })
    }

    /// Destroys the slab cache after the superblock has gone, or before there was one.
    fn destroy_cache(&self) {
        let cache = self.cache.xchg(ptr::null_mut(), Full);
        // SAFETY: No objects are left but those, of the root of a mount, that RCU is freeing.
        unsafe {
            bindings::rcu_barrier();
            bindings::kmem_cache_destroy(cache);
        }
    }

    /// The object with the number `devt`, which is made if there is none.
    ///
    /// `None` if memory is short or the filesystem is not mounted. May sleep.
    pub fn get(&self, devt: DevT) -> Option<ARef<Object<T>>> {
        // ORDERING: Pairs with the release in `Mount::keep`.
        let sb = self.sb.load(Acquire);
        if sb.is_null() {
            return None;
        }

        let mut raw = devt.as_raw();
        // SAFETY: `sb` is a superblock of this type by the type invariant, and the callbacks get
        // a pointer to a device number.
        let inode = NonNull::new(unsafe {
            bindings::iget5_locked(
                sb,
                Self::hash(devt),
                Some(Self::test),
                Some(Self::set),
                addr_of_mut!(raw).cast(),
            )
        })?;
        // SAFETY: The inode is one of ours, with a reference.
        let object = unsafe { ARef::from_raw(inode.cast::<Object<T>>()) };

        // SAFETY: The inode is valid; the state is read in one piece, as C does.
        let state = unsafe { (&raw const (*inode.as_ptr()).i_state.__state).read_volatile() };
        if state & bindings::inode_state_flags_enum_I_NEW != 0 {
            object.start();
            // SAFETY: The inode is new: others wait until we unlock it.
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

    /// Where in the table of inodes `devt` is looked for.
    fn hash(devt: DevT) -> u64 {
        // The multiplicative hash of `hash_32()`.
        const GOLDEN_RATIO_32: u32 = 0x61c8_8647;
        let value = devt.as_raw().wrapping_add(T::MAGIC as u32);
        u64::from(value.wrapping_mul(GOLDEN_RATIO_32) >> 1)
    }

    /// # Safety
    ///
    /// `inode` must be an inode of this filesystem, `data` a pointer to a `dev_t`.
    unsafe extern "C" fn test(inode: *mut bindings::inode, data: *mut c_void) -> c_int {
        // SAFETY: The caller ensures that both are valid.
        c_int::from(unsafe { (*inode).i_rdev == *data.cast::<bindings::dev_t>() })
    }

    /// # Safety
    ///
    /// `inode` must be a new inode of this filesystem, `data` a pointer to a `dev_t`.
    unsafe extern "C" fn set(inode: *mut bindings::inode, data: *mut c_void) -> c_int {
        // SAFETY: The caller ensures that both are valid and that the inode is ours to change.
        unsafe { (*inode).i_rdev = *data.cast::<bindings::dev_t>() };
        0
    }

    /// The constructor of the slab cache.
    ///
    /// # Safety
    ///
    /// `slot` must be valid for writes of an `Object<T>` that nobody else uses.
    unsafe extern "C" fn init_once(slot: *mut c_void) {
        let object = slot.cast::<Object<T>>();
        // SAFETY: The caller ensures that the slot is ours and large enough.
        unsafe {
            object.cast::<u8>().write_bytes(0, size_of::<Object<T>>());
            addr_of_mut!((*object).value).write(T::new());
            bindings::inode_init_once(slot.cast());
        }
    }

    /// # Safety
    ///
    /// `sb` must be the superblock of this filesystem.
    unsafe extern "C" fn alloc_inode(sb: *mut bindings::super_block) -> *mut bindings::inode {
        // ORDERING: The superblock was made after the store.
        let cache = T::filesystem().cache.load(Relaxed);
        // SAFETY: `cache` is the slab cache by the type invariant: the superblock exists.
        let object = unsafe { bindings::alloc_inode_sb(sb, cache, bindings::GFP_KERNEL) };
        let object = object.cast::<Object<T>>();
        if object.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: The constructor initialised the object, and it is ours alone now.
        unsafe {
            (*(*object).inode.get()).i_rdev = 0;
            (*object).value.reset();
        }
        object.cast()
    }

    /// # Safety
    ///
    /// `inode` must be an inode of this filesystem without references.
    unsafe extern "C" fn destroy_inode(inode: *mut bindings::inode) {
        // SAFETY: The caller ensures that the object is valid; it is freed after this only.
        T::destroy(unsafe { &*Object::<T>::from_inode(inode) });
    }

    /// # Safety
    ///
    /// `inode` must be an inode of this filesystem that was destroyed an RCU grace period ago.
    unsafe extern "C" fn free_inode(inode: *mut bindings::inode) {
        let cache = T::filesystem().cache.load(Relaxed);
        // SAFETY: The object came from the cache, and nobody can reach it any more. Its value
        // stays: the constructor runs once in the life of a slot, and `reset` makes it new.
        unsafe { bindings::kmem_cache_free(cache, inode.cast()) };
    }

    /// # Safety
    ///
    /// `fc` must be a new filesystem context of this type.
    unsafe extern "C" fn init_fs_context(fc: *mut bindings::fs_context) -> c_int {
        // SAFETY: The caller ensures that the context is valid and new.
        let ctx = unsafe { bindings::init_pseudo(fc, T::MAGIC) };
        if ctx.is_null() {
            return ENOMEM.to_errno();
        }
        // SAFETY: The context is valid, and the operations are static.
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
pub struct Mount<T: Type> {
    fs: &'static FileSystem<T>,
    mnt: *mut bindings::vfsmount,
}

impl<T: Type> Mount<T> {
    /// Lets the filesystem have objects, for good.
    pub fn keep(self) {
        let this = ManuallyDrop::new(self);
        // SAFETY: By the type invariant this is a mount, which has a superblock.
        let sb = unsafe { (*this.mnt).mnt_sb };
        // INVARIANT: The mount stays.
        // ORDERING: Pairs with the acquire in `get`.
        this.fs.sb.store(sb, Release);
    }
}

impl<T: Type> Drop for Mount<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this is a mount; it has no objects, as `sb` is not set.
        unsafe { bindings::kern_unmount(self.mnt) };
        self.fs.destroy_cache();
    }
}

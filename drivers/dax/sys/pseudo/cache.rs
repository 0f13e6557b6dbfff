// SPDX-License-Identifier: GPL-2.0

//! The slab cache of a pseudo filesystem.

use super::object::Object;
use core::{
    marker::PhantomData,
    ptr::{
        self,
        addr_of_mut,
        NonNull, //
    },
};
use kernel::{
    ffi::c_void,
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
};
use kernel_ext::bindings;

/// A type whose objects a slab cache recycles.
pub(crate) trait Recycled {
    /// The name of the slab cache.
    const CACHE: &'static CStr;

    /// A free object. It is made once in the life of a slot of the cache, and never dropped.
    fn new() -> Self;
}

/// A slab cache for objects, or the place for one.
///
/// # Invariants
///
/// The pointer is NULL, or that of a slab cache for `Object<T>` that [`Self::init_once`] constructs.
pub(super) struct Cache<T> {
    cache: Atomic<*mut bindings::kmem_cache>,
    _type: PhantomData<fn() -> T>,
}

impl<T: Recycled> Cache<T> {
    /// The place for a cache.
    pub(super) const fn new() -> Self {
        // INVARIANT: The pointer is NULL.
        Self {
            cache: Atomic::new(ptr::null_mut()),
            _type: PhantomData,
        }
    }

    /// Makes the cache. Fails with `ENOMEM`, and with `EBUSY` if there is one. Sleeps.
    pub(super) fn create(&self) -> Result {
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
        // ORDERING: Full: one of several callers wins, and finds the cache when it allocates.
        if self.cache.cmpxchg(ptr::null_mut(), cache, Full).is_err() {
            // SAFETY: No object was allocated from the cache, which no other task has seen.
            unsafe { bindings::kmem_cache_destroy(cache) };
            return Err(EBUSY);
        }
        Ok(())
    }

    /// Destroys the cache.
    ///
    /// # Safety
    ///
    /// No object of the cache must be in use, except for those that RCU is freeing.
    pub(super) unsafe fn destroy(&self) {
        // INVARIANT: The pointer is NULL.
        let cache = self.cache.xchg(ptr::null_mut(), Full);
        // SAFETY:
        // - By the type invariant this is a slab cache, or NULL, which C ignores.
        // - The caller ensures that only objects are left that RCU frees; the barrier waits for it.
        unsafe {
            bindings::rcu_barrier();
            bindings::kmem_cache_destroy(cache);
        }
    }

    /// Allocates an object for `sb`: one that is new, or has its last content. Sleeps.
    ///
    /// # Safety
    ///
    /// - `sb` must be a superblock.
    /// - The cache must have been created, and must not be destroyed before the object is freed.
    pub(super) unsafe fn alloc(
        &self,
        sb: *mut bindings::super_block,
    ) -> Option<NonNull<Object<T>>> {
        // ORDERING: Relaxed: the caller ensures that `create` has returned before.
        let cache = self.cache.load(Relaxed);
        // SAFETY:
        // - The caller ensures that `sb` is a superblock.
        // - The pointer is that of a slab cache, by the type invariant: it is not NULL, because the
        //   cache was created.
        NonNull::new(unsafe { bindings::alloc_inode_sb(sb, cache, bindings::GFP_KERNEL) }.cast())
    }

    /// Frees an object. Its value stays as it is, for the next allocation.
    ///
    /// # Safety
    ///
    /// `object` must be an object that [`Self::alloc`] returned, and not be used any more.
    pub(super) unsafe fn free(&self, object: NonNull<Object<T>>) {
        // ORDERING: Relaxed: the allocation has loaded the same pointer.
        let cache = self.cache.load(Relaxed);
        // SAFETY:
        // - `alloc` allocated the object from this cache, which was not destroyed since.
        // - The caller ensures that the object is not used any more.
        unsafe { bindings::kmem_cache_free(cache, object.as_ptr().cast()) };
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
}

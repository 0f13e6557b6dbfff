// SPDX-License-Identifier: GPL-2.0

//! Tables in which the objects of a pseudo filesystem are found.

use super::{
    Object,
    Type, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    rbtree::RBTree,
    sync::aref::ARef, //
};

/// A type whose objects may be in an [`Index`], which holds no reference to them.
///
/// # Safety
///
/// [`Type::destroy`] must call [`Index::forget`] on every index that may have the object, under the
/// lock that protects the index.
pub unsafe trait Indexed: Type {}

/// A pointer to an object that has not been freed.
struct Entry<T>(NonNull<Object<T>>);

// SAFETY: A reference to an object may be used in any thread, as it is `Sync`.
unsafe impl<T: Type> Send for Entry<T> {}
// SAFETY: As above.
unsafe impl<T: Type> Sync for Entry<T> {}

/// Objects by key.
///
/// # Invariants
///
/// No object in here has been freed: each has yet to go through [`Type::destroy`], which takes it
/// out (see [`Indexed`]).
pub struct Index<K, T: Indexed>(RBTree<K, Entry<T>>);

impl<K: Ord, T: Indexed> Index<K, T> {
    /// An empty index.
    pub fn new() -> Self {
        Self(RBTree::new())
    }

    /// Adds `object` under `key`.
    ///
    /// Fails with `EBUSY` if the key is taken, and with `ENOMEM`. May sleep.
    pub fn insert(&mut self, key: K, object: &Object<T>) -> Result {
        if self.0.get(&key).is_some() {
            return Err(EBUSY);
        }
        // INVARIANT: The object is valid now, and takes itself out before it is freed.
        self.0
            .try_create_and_insert(key, Entry(object.into()), GFP_KERNEL)?;
        Ok(())
    }

    /// Takes out what is under `key`; returns whether there was anything.
    pub fn remove(&mut self, key: &K) -> bool {
        self.0.remove(key).is_some()
    }

    /// Takes out `object` wherever it is.
    pub fn forget(&mut self, object: &Object<T>) {
        let object = NonNull::from(object);
        let mut cursor = self.0.cursor_front_mut();
        while let Some(at) = cursor {
            cursor = if at.current().1 .0 == object {
                at.remove_current().0
            } else {
                at.move_next()
            };
        }
    }

    /// The object under `key`, unless it is about to be destroyed.
    pub fn get(&self, key: &K) -> Option<ARef<Object<T>>> {
        let entry = self.0.get(key)?;
        Self::object(entry).try_get()
    }

    /// All keys and objects, in the order of the keys.
    ///
    /// The last reference to an object may have gone already.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Object<T>)> {
        self.0.iter().map(|(key, entry)| (key, Self::object(entry)))
    }

    fn object(entry: &Entry<T>) -> &Object<T> {
        // SAFETY: By the type invariant the object has not been freed, and it will not be while
        // `self` is borrowed: `forget` needs it mutably first.
        unsafe { entry.0.as_ref() }
    }
}

impl<K: Ord, T: Indexed> Default for Index<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

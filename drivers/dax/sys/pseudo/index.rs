// SPDX-License-Identifier: GPL-2.0

//! Tables in which the objects of a pseudo filesystem are found.

use super::{
    filesystem::Type,
    object::Object, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    rbtree::RBTree,
    sync::aref::ARef, //
};

/// A pointer to an object that has not been freed.
struct Entry<T>(NonNull<Object<T>>);

// SAFETY: An entry gives out shared references only, and `Object<T>` is `Sync`.
unsafe impl<T: Type> Send for Entry<T> {}
// SAFETY: An entry gives out shared references only, and `Object<T>` is `Sync`.
unsafe impl<T: Type> Sync for Entry<T> {}

/// Objects by key. The index holds no references to them.
///
/// # Invariants
///
/// No object in the index has been freed: [`Type::destroy`] takes it out before.
pub(crate) struct Index<K, T: Type>(RBTree<K, Entry<T>>);

impl<K: Ord, T: Type> Index<K, T> {
    /// An empty index.
    ///
    /// # Safety
    ///
    /// - [`Type::destroy`] of `T` must call [`Index::forget`] on this index with each object that is
    ///   destroyed while the index exists.
    /// - A lock must be held around that call and around every other use of the index.
    pub(crate) unsafe fn new() -> Self {
        // INVARIANT: The index has no object.
        Self(RBTree::new())
    }

    /// Adds `object` under `key`.
    ///
    /// Fails with `EBUSY` if the key is taken, and with `ENOMEM`. May sleep.
    pub(crate) fn insert(&mut self, key: K, object: &Object<T>) -> Result {
        if self.0.get(&key).is_some() {
            return Err(EBUSY);
        }
        // INVARIANT: The caller has a reference, so that the object has yet to go through
        // `destroy`, which takes it out by the safety requirements of `new`.
        self.0
            .try_create_and_insert(key, Entry(object.into()), GFP_KERNEL)?;
        Ok(())
    }

    /// Takes out the object under `key`, if there is one.
    pub(crate) fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }

    /// Takes out `object` under every key that leads to it.
    pub(crate) fn forget(&mut self, object: &Object<T>) {
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
    pub(crate) fn get(&self, key: &K) -> Option<ARef<Object<T>>> {
        let entry = self.0.get(key)?;
        Self::object(entry).try_get()
    }

    /// All keys and objects, in the order of the keys.
    ///
    /// The last reference to an object may have gone already.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &Object<T>)> {
        self.0.iter().map(|(key, entry)| (key, Self::object(entry)))
    }

    fn object(entry: &Entry<T>) -> &Object<T> {
        // SAFETY:
        // - The object has not been freed, by the type invariant of the index that `entry` is
        //   borrowed from.
        // - It is not freed during the borrow: `destroy` first calls `forget`, which needs the
        //   index mutably.
        unsafe { entry.0.as_ref() }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Tables of functions that drivers and holders lend to a device.

use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed,
        Release, //
    },
};
use kernel_ext::bindings;

/// A table that its owner has lent to a device.
///
/// # Invariants
///
/// The table lives until the device that it is published in is dead, or until it has been taken out
/// of its [`Slot`], and an SRCU grace period has passed since.
pub(crate) struct Lent<T>(NonNull<T>);

impl<T> Clone for Lent<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Lent<T> {}

impl<T> Lent<T> {
    /// # Safety
    ///
    /// `table` must live as the type invariant says.
    pub(super) unsafe fn new(table: NonNull<T>) -> Self {
        // INVARIANT: The caller ensures what the invariants say, as `# Safety` asks.
        Self(table)
    }
}

/// The pointer to a table, or NULL.
fn as_ptr<T>(table: Option<Lent<T>>) -> *const T {
    table.map_or(ptr::null(), |table| table.0.as_ptr())
}

/// Where a device keeps a table.
///
/// # Invariants
///
/// The pointer is NULL or that of a [`Lent`] table.
pub(crate) struct Slot<T>(Atomic<*const T>);

impl<T> Slot<T> {
    /// A slot without a table.
    pub(crate) const fn empty() -> Self {
        // INVARIANT: The pointer is NULL.
        Self(Atomic::new(ptr::null()))
    }

    /// Takes the table out, if there is one. Others may still use it.
    pub(crate) fn clear(&self) {
        // INVARIANT: The pointer is NULL.
        // ORDERING: Relaxed: the caller orders this, by a grace period or an atomic exchange, before
        // everything that must not happen while the table is in the slot.
        self.0.store(ptr::null(), Relaxed);
    }

    /// Puts `table`, or none, into the slot.
    pub(crate) fn publish(&self, table: Option<Lent<T>>) {
        // INVARIANT: The pointer is NULL or that of a lent table.
        // ORDERING: Release: a reader that finds the table also finds all earlier stores.
        self.0.store(as_ptr(table), Release);
    }

    /// Puts `table` into the slot if it is empty, else fails with `EBUSY`.
    pub(crate) fn try_publish(&self, table: Lent<T>) -> Result {
        // INVARIANT: The pointer is that of a lent table.
        // ORDERING: Full: only one of several callers wins, and a reader that finds the table also
        // finds its content.
        self.0
            .cmpxchg(ptr::null(), table.0.as_ptr(), Full)
            .map(|_| ())
            .map_err(|_| EBUSY)
    }

    /// The table, if there is one.
    ///
    /// # Safety
    ///
    /// For `'a`, the caller must keep the owner of the table from freeing it: the device must be alive
    /// in an SRCU section of the caller that lasts for `'a`, or the owner must be kept otherwise.
    #[inline]
    pub(super) unsafe fn load<'a>(&self) -> Option<&'a T> {
        // ORDERING: Relaxed: the accesses to the table depend on the address.
        let table = self.0.load(Relaxed);
        // SAFETY:
        // - By the type invariant the pointer is NULL or a lent table, which lived when the section
        //   began, because taking it out or killing the device is followed by a grace period.
        // - The caller ensures that it is not freed during `'a`.
        unsafe { table.as_ref() }
    }

    /// As [`Self::load`], for a caller that relies on stores before that of the table.
    ///
    /// # Safety
    ///
    /// As for [`Self::load`].
    pub(super) unsafe fn load_acquire<'a>(&self) -> Option<&'a T> {
        // ORDERING: Acquire: pairs with the release in `publish`.
        let table = self.0.load(Acquire);
        // SAFETY: For the reasons given in `load`, whose requirements the caller meets.
        unsafe { table.as_ref() }
    }

    /// Whether the slot has a table.
    #[cfg(CONFIG_KUNIT = "y")]
    pub(crate) fn has(&self, table: Option<Lent<T>>) -> bool {
        ptr::eq(self.0.load(Relaxed), as_ptr(table))
    }
}

/// The operations that every device has.
///
/// # Invariants
///
/// The table has `direct_access` and `zero_page_range`.
#[repr(transparent)]
pub(crate) struct Base(pub(super) bindings::dax_operations);

/// Whether a table has the operations that every device must have.
fn is_complete(table: &bindings::dax_operations) -> bool {
    table.direct_access.is_some() && table.zero_page_range.is_some()
}

impl Base {
    /// The table at `raw`, or `None` if that is NULL. Fails with `EINVAL` if it is not complete.
    ///
    /// # Safety
    ///
    /// - `raw` must be NULL or a table that lives as the invariant of [`Lent`] says.
    /// - The operations may be called with the device that the table is published in.
    pub(crate) unsafe fn lend(raw: *const bindings::dax_operations) -> Result<Option<Lent<Self>>> {
        // SAFETY: The caller ensures that the pointer is NULL or that of a table that lives now.
        let Some(table) = (unsafe { raw.as_ref() }) else {
            return Ok(None);
        };
        if !is_complete(table) {
            return Err(EINVAL);
        }
        // CAST: `Base` is transparent to the table, which is complete as it requires.
        // SAFETY: The caller ensures that the table lives as long as it must.
        Ok(Some(unsafe { Lent::new(NonNull::from(table).cast()) }))
    }
}

/// The operations of a device that has optional ones.
///
/// # Invariants
///
/// The member `base` is a complete table, as in [`Base`].
#[repr(transparent)]
pub(crate) struct Extended(pub(super) bindings::dax_operations_ext);

impl Extended {
    /// The table at `raw`. Fails with `EINVAL` if that is NULL or not complete.
    ///
    /// # Safety
    ///
    /// As for [`Base::lend`].
    pub(crate) unsafe fn lend(raw: *const bindings::dax_operations_ext) -> Result<Lent<Self>> {
        // SAFETY: The caller ensures that the pointer is NULL or that of a table that lives now.
        let table = unsafe { raw.as_ref() }.ok_or(EINVAL)?;
        if !is_complete(&table.base) {
            return Err(EINVAL);
        }
        // CAST: `Extended` is transparent to the table, which is complete as it requires.
        // SAFETY: The caller ensures that the table lives as long as it must.
        Ok(unsafe { Lent::new(NonNull::from(table).cast()) })
    }
}

impl Lent<Extended> {
    fn table(&self) -> &bindings::dax_operations_ext {
        // SAFETY: By the type invariant the table lives: it is published after this, if at all.
        unsafe { &self.0.as_ref().0 }
    }

    /// The part that every device has.
    pub(crate) fn base(self) -> Lent<Base> {
        // CAST: `base` is the first member of the table, and complete.
        Lent(self.0.cast())
    }

    /// Whether there is a `copy_from_iter`.
    pub(crate) fn has_copy_from(&self) -> bool {
        self.table().copy_from_iter.is_some()
    }

    /// Whether there is a `copy_to_iter`.
    pub(crate) fn has_copy_to(&self) -> bool {
        self.table().copy_to_iter.is_some()
    }
}

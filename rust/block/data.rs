// SPDX-License-Identifier: GPL-2.0

//! The driver's data of a disk, which C keeps as a pointer (`gendisk.private_data`).

use crate::bindings;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::sync::{
    Arc,
    ArcBorrow, //
};

/// A reference to a disk that owns an `Arc` of its driver's data.
///
/// # Invariants
///
/// - `disk` is valid, and this owns a reference to it.
/// - Its private data is the pointer of an `Arc<D>`, which this owns.
pub(super) struct OwnedDisk<D: Send + Sync + 'static> {
    disk: NonNull<bindings::gendisk>,
    _data: PhantomData<Arc<D>>,
}

// SAFETY: The reference to a disk may be put on any thread; the data may be shared and dropped
// there.
unsafe impl<D: Send + Sync + 'static> Send for OwnedDisk<D> {}
// SAFETY: A shared reference offers the address of the disk, and the data, which may be shared.
unsafe impl<D: Send + Sync + 'static> Sync for OwnedDisk<D> {}

impl<D: Send + Sync + 'static> OwnedDisk<D> {
    /// Gives `data` to a new disk.
    ///
    /// # Safety
    ///
    /// - `disk` must be valid, not be in use, and have no private data.
    /// - The caller must own a reference to it, which is taken over.
    pub(super) unsafe fn new(disk: NonNull<bindings::gendisk>, data: Arc<D>) -> Self {
        // SAFETY: The caller ensures that the disk is valid and not in use.
        unsafe { (*disk.as_ptr()).private_data = Arc::into_raw(data).cast_mut().cast() };
        // INVARIANT: The caller hands over a reference; the disk has just got the data.
        Self {
            disk,
            _data: PhantomData,
        }
    }

    /// The disk as C names it.
    #[inline]
    pub(super) fn as_raw(&self) -> *mut bindings::gendisk {
        self.disk.as_ptr()
    }

    /// The disk as C names it, which is never NULL.
    #[inline]
    pub(super) fn as_non_null(&self) -> NonNull<bindings::gendisk> {
        self.disk
    }

    /// The driver's data.
    pub(super) fn data(&self) -> ArcBorrow<'_, D> {
        // SAFETY: By the type invariants the disk has an `Arc<D>`, which `self` owns.
        unsafe { data(self.disk.as_ptr()) }
    }
}

impl<D: Send + Sync + 'static> Drop for OwnedDisk<D> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the disk is valid, and its private data is that of an
        // `Arc<D>` which `self` owns.
        let data = unsafe { Arc::<D>::from_raw((*self.disk.as_ptr()).private_data.cast()) };
        // SAFETY: By the type invariants `self` owns the reference.
        unsafe { bindings::put_disk(self.disk.as_ptr()) };
        drop(data);
    }
}

/// The driver's data of a disk.
///
/// # Safety
///
/// `disk` must be the disk of an [`OwnedDisk<D>`] that is not dropped during `'a`.
#[inline]
pub(super) unsafe fn data<'a, D: Send + Sync + 'static>(
    disk: *mut bindings::gendisk,
) -> ArcBorrow<'a, D> {
    // SAFETY:
    // - By the type invariants of `OwnedDisk` the private data is that of an `Arc<D>`, which the
    //   caller ensures is owned during `'a`.
    // - An `Arc` only lends shared references.
    unsafe { ArcBorrow::from_raw((*disk).private_data.cast()) }
}

// SPDX-License-Identifier: GPL-2.0

//! Block I/O requests as the filesystem made them (`struct bio`).
//!
//! C headers: [`include/linux/bio.h`](srctree/include/linux/bio.h),
//! [`include/linux/bvec.h`](srctree/include/linux/bvec.h)

use super::{
    segment::{
        Segments,
        Transfer, //
    },
    status::Status, //
};
use crate::{
    bindings,
    pmem::MappedRange,
    units::Sector, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    ffi::c_ulong,
    prelude::*, //
};

/// A bio that has been submitted to a driver and that the driver has to end.
///
/// A bio that is dropped ends with [`Status::IOERR`].
///
/// # Invariants
///
/// - The block layer has submitted the bio to the disk of its block device, and it has not been
///   ended.
/// - This owns the duty to end it.
///
/// # Examples
///
/// ```
/// use kernel_ext::block::{bio::Bio, status::Status};
///
/// fn refuse_writes(bio: Bio) {
///     let status = if bio.is_write() { Status::IOERR } else { Status::OK };
///     bio.end(status);
/// }
/// ```
#[must_use = "a filesystem waits for the bio until it is ended"]
pub struct Bio(NonNull<bindings::bio>);

impl Bio {
    /// Takes over the bio that the block layer submits.
    ///
    /// # Safety
    ///
    /// - The block layer must have submitted the bio to the disk of its block device.
    /// - The caller must hand over the duty to end it.
    #[inline]
    pub(super) unsafe fn from_raw(bio: NonNull<bindings::bio>) -> Self {
        // INVARIANT: The caller ensures both.
        Self(bio)
    }

    /// Gives the bio to C, along with the duty to end it.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<bindings::bio> {
        ManuallyDrop::new(self).0
    }

    /// The bio as C names it.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::bio {
        self.0.as_ptr()
    }

    #[inline]
    fn flags(&self) -> bindings::blk_opf_t {
        // SAFETY: By the type invariants the bio has not been ended, so it is valid.
        unsafe { (*self.as_raw()).bi_opf }
    }

    /// Whether data goes to the disk (`op_is_write()`).
    #[inline]
    pub fn is_write(&self) -> bool {
        self.flags() & 1 != 0
    }

    /// Whether the write cache of the disk has to be flushed first (`REQ_PREFLUSH`).
    #[inline]
    pub fn is_preflush(&self) -> bool {
        self.flags() & (1 << bindings::req_flag_bits___REQ_PREFLUSH) != 0
    }

    /// Whether the data has to be persistent when the bio ends (`REQ_FUA`).
    #[inline]
    pub fn is_fua(&self) -> bool {
        self.flags() & (1 << bindings::req_flag_bits___REQ_FUA) != 0
    }

    /// The place on the disk at which the bio begins.
    #[inline]
    pub fn sector(&self) -> Sector {
        // SAFETY: By the type invariants the bio has not been ended, so it is valid.
        Sector(unsafe { (*self.as_raw()).bi_iter.bi_sector })
    }

    /// The number of bytes that the bio moves: none if it only flushes.
    #[inline]
    pub fn bytes(&self) -> u32 {
        // SAFETY: By the type invariants the bio has not been ended, so it is valid.
        unsafe { (*self.as_raw()).bi_iter.bi_size }
    }

    /// The memory of the bio, each piece with its part of `disk`, the memory that holds the place
    /// of the bio on the disk.
    ///
    /// Fails with `EINVAL` if `disk` does not have the length of the bio.
    #[inline]
    pub fn transfer<'a>(&'a self, disk: MappedRange<'a>) -> Result<Transfer<'a>> {
        // SAFETY: The direction of a write is `Store`, and that of any other bio with data `Load`.
        unsafe {
            Ok(if self.is_write() {
                Transfer::Store(self.segments(disk)?)
            } else {
                Transfer::Load(self.segments(disk)?)
            })
        }
    }

    /// The segments of the bio.
    ///
    /// # Safety
    ///
    /// `D` must be the direction of the bio.
    #[inline]
    unsafe fn segments<'a, D>(&'a self, disk: MappedRange<'a>) -> Result<Segments<'a, D>> {
        // SAFETY: By the type invariants the bio has not been ended, so it is valid.
        let (iter, vec) = unsafe { ((*self.as_raw()).bi_iter, (*self.as_raw()).bi_io_vec) };
        // SAFETY:
        // - The iterator of a bio that has been submitted describes its vector.
        // - The submitter leaves the memory in it until the bio is ended, and `self`, which ends
        //   it, is borrowed for `'a`.
        // - The caller ensures that `D` is the direction.
        unsafe { Segments::new(vec, iter, disk) }
    }

    /// Starts to account the bio in the statistics of its disk, if they are kept.
    ///
    /// Pass the result to [`Bio::end_accounting`].
    #[inline]
    pub fn start_accounting(&self) -> Accounting {
        // SAFETY:
        // - By the type invariants the bio has not been ended, so it is valid.
        // - It was submitted to the disk of its block device, which has a queue.
        Accounting(unsafe {
            let queue = (*(*(*self.as_raw()).bi_bdev).bd_disk).queue;
            if (*queue).limits.features & bindings::BLK_FEAT_IO_STAT == 0 {
                None
            } else {
                Some(bindings::bio_start_io_acct(self.as_raw()))
            }
        })
    }

    /// Ends what [`Bio::start_accounting`] started.
    #[inline]
    pub fn end_accounting(&self, accounting: Accounting) {
        if let Some(start) = accounting.0 {
            // SAFETY:
            // - By the type invariants the bio has not been ended, so it is valid, and it was
            //   submitted to the disk of its block device.
            // - The function takes any time.
            unsafe {
                bindings::bio_end_io_acct_remapped(self.as_raw(), start, (*self.as_raw()).bi_bdev)
            };
        }
    }

    /// Ends the bio.
    #[inline]
    pub fn end(self, status: Status) {
        let bio = self.into_raw().as_ptr();
        // SAFETY:
        // - By the type invariants the bio has not been ended, so it is valid.
        // - `self` owned the duty to end it.
        unsafe {
            // A bio that was split may have an error already.
            if !status.is_ok() {
                (*bio).bi_status = status.0;
            }
            bindings::bio_endio(bio);
        }
    }
}

impl Drop for Bio {
    fn drop(&mut self) {
        // SAFETY:
        // - By the type invariants the bio has not been ended, so it is valid.
        // - `self` owned the duty to end it.
        unsafe {
            (*self.as_raw()).bi_status = Status::IOERR.0;
            bindings::bio_endio(self.as_raw());
        }
    }
}

/// The time at which the accounting of a bio started, in jiffies, if it did.
///
/// # Examples
///
/// ```
/// use kernel_ext::block::{bio::Bio, status::Status};
///
/// fn end_accounted(bio: Bio, status: Status) {
///     let accounting = bio.start_accounting();
///     bio.end_accounting(accounting);
///     bio.end(status);
/// }
/// ```
#[must_use = "the statistics count the I/O as in flight until the accounting ends"]
pub struct Accounting(Option<c_ulong>);

// SPDX-License-Identifier: GPL-2.0

//! Block I/O requests as the filesystem made them (`struct bio`).
//!
//! C headers: [`include/linux/bio.h`](srctree/include/linux/bio.h),
//! [`include/linux/bvec.h`](srctree/include/linux/bvec.h)

use crate::{
    bindings,
    pmem::MappedRange,
    units::{
        Sector,
        PAGE_SIZE,
        SECTOR_SHIFT, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    ffi::c_ulong,
    prelude::*, //
};

/// How a bio ended (`blk_status_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Status(bindings::blk_status_t);

impl Status {
    /// Success.
    pub const OK: Self = Self(bindings::BLK_STS_OK as bindings::blk_status_t);
    /// An I/O error.
    pub const IOERR: Self = Self(bindings::BLK_STS_IOERR);

    /// Whether the bio succeeded.
    #[inline]
    pub const fn is_ok(self) -> bool {
        self.0 == Self::OK.0
    }

    /// The status as a result; an error is the code that user space gets to see.
    pub fn to_result(self) -> Result {
        // SAFETY: The function takes any status.
        kernel::error::to_result(unsafe { bindings::blk_status_to_errno(self.0) })
    }
}

impl From<Error> for Status {
    #[cold]
    fn from(e: Error) -> Self {
        // SAFETY: The function takes any error code.
        Self(unsafe { bindings::errno_to_blk_status(e.to_errno()) })
    }
}

/// A bio that has been submitted to a driver and that the driver has to end.
///
/// One that is dropped ends with [`Status::IOERR`].
///
/// # Invariants
///
/// The bio is valid and has not been ended; nobody else ends it.
#[must_use = "whoever waits for the bio waits until it is ended"]
pub struct Bio(NonNull<bindings::bio>);

impl Bio {
    /// Takes over the bio that the block layer submits.
    ///
    /// # Safety
    ///
    /// `bio` must be valid, and the caller must hand over the duty to end it.
    #[inline]
    pub unsafe fn from_raw(bio: NonNull<bindings::bio>) -> Self {
        // INVARIANT: The caller ensures what the invariants say.
        Self(bio)
    }

    /// Gives the bio to C, along with the duty to end it.
    #[inline]
    pub fn into_raw(self) -> NonNull<bindings::bio> {
        ManuallyDrop::new(self).0
    }

    /// The bio as C names it.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::bio {
        self.0.as_ptr()
    }

    #[inline]
    fn flags(&self) -> bindings::blk_opf_t {
        // SAFETY: The bio is valid by the type invariants.
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

    /// The memory of the bio, each piece with its place on the disk.
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        // SAFETY: The bio is valid by the type invariants.
        let (iter, vec) = unsafe { ((*self.as_raw()).bi_iter, (*self.as_raw()).bi_io_vec) };
        // INVARIANT: The iterator of a bio that has been submitted describes its vector.
        Segments {
            vec: vec.wrapping_add(iter.bi_idx as usize),
            done: iter.bi_bvec_done,
            left: iter.bi_size,
            sector: iter.bi_sector,
            _bio: PhantomData,
        }
    }

    /// Starts to account the bio in the statistics of its disk, if they are kept.
    ///
    /// The result goes to [`Bio::end_accounting`].
    #[inline]
    pub fn start_accounting(&self) -> Accounting {
        // SAFETY: The bio is valid by the type invariants, and has a block device with a disk and
        // a queue while it is under way.
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
            // SAFETY: The bio is valid by the type invariants, and was started on this device.
            unsafe {
                bindings::bio_end_io_acct_remapped(self.as_raw(), start, (*self.as_raw()).bi_bdev)
            };
        }
    }

    /// Ends the bio.
    #[inline]
    pub fn end(self, status: Status) {
        let bio = self.into_raw().as_ptr();
        // SAFETY: The bio is valid by the type invariants, and it is ours to end.
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
        // SAFETY: The bio is valid by the type invariants, and it is ours to end.
        unsafe {
            (*self.as_raw()).bi_status = Status::IOERR.0;
            bindings::bio_endio(self.as_raw());
        }
    }
}

/// That a bio is being accounted, and since when in jiffies.
#[must_use = "the statistics count the I/O as in flight until the accounting ends"]
pub struct Accounting(Option<c_ulong>);

/// A piece of the memory of a bio: physically contiguous, maybe of several pages.
///
/// # Invariants
///
/// For the lifetime `'a`, the `len` bytes from `offset` bytes into `page` are memory that the
/// submitter of a bio has set aside for it. Others may access it at any time.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    page: *mut bindings::page,
    offset: u32,
    len: u32,
    sector: u64,
    _bio: PhantomData<&'a Bio>,
}

impl Segment<'_> {
    /// The number of bytes.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are no bytes.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The place on the disk of the first byte.
    #[inline]
    pub const fn sector(&self) -> Sector {
        Sector(self.sector)
    }

    /// The kernel's address of the first byte.
    #[inline]
    fn as_ptr(&self) -> *mut u8 {
        // All memory is in the direct map, where pages follow each other as they do physically, so
        // that a mapping needs no end and holds for all of the segment.
        const _: () = assert!(!cfg!(CONFIG_HIGHMEM), "segments are mapped as a whole");
        // SAFETY: The page is valid by the type invariants.
        let base = unsafe { bindings::kmap_local_page(self.page) };
        base.cast::<u8>().wrapping_add(self.offset as usize)
    }

    /// The part of the segment up to the end of a page, and the rest.
    ///
    /// Sectors do not cross pages, so both parts begin at a sector if the segment does.
    #[inline]
    pub fn split_page(self) -> (Self, Option<Self>) {
        let room = PAGE_SIZE as u32 - self.offset % PAGE_SIZE as u32;
        if self.len <= room {
            return (self, None);
        }
        // INVARIANT: Both are parts of the segment.
        (
            Self { len: room, ..self },
            Some(Self {
                offset: self.offset.wrapping_add(room),
                len: self.len - room,
                sector: self.sector.wrapping_add(u64::from(room >> SECTOR_SHIFT)),
                ..self
            }),
        )
    }

    /// Stores the segment to persistent memory, around the CPU caches.
    ///
    /// As [`MappedRange::copy_from`]. Fails with `EINVAL` if `dst` does not have the length of the
    /// segment.
    #[inline]
    pub fn write_to(&self, dst: MappedRange<'_>) -> Result {
        if dst.len() != self.len() {
            return Err(EINVAL);
        }
        // SAFETY: By the type invariants the segment is valid for reads. Memory that is both in a
        // window and in a bio is a bug of the submitter which C shares: the copy is undefined in
        // its result, not in its extent.
        unsafe { dst.copy_from_ptr(self.as_ptr()) };
        Ok(())
    }

    /// Loads the segment from persistent memory; survives machine checks.
    ///
    /// Fails with `EIO` at the first byte that cannot be read, and with `EINVAL` if `src` does not
    /// have the length of the segment.
    #[inline]
    pub fn read_from(&self, src: MappedRange<'_>) -> Result {
        if src.len() != self.len() {
            return Err(EINVAL);
        }
        // Which copy survives machine checks depends on quirks of the CPU that the kernel keeps to
        // itself (`copy_mc_fragile_key`), so this is C's.
        // SAFETY: By the type invariants the segment is valid for writes, and the window for
        // reads; they have the same length. As for `write_to` otherwise.
        let left = unsafe {
            bindings::copy_mc_to_kernel(self.as_ptr().cast(), src.as_ptr().cast(), self.len)
        };
        match left {
            0 => Ok(()),
            _ => Err(EIO),
        }
    }
}

/// Iterates over the segments of a bio (`bio_for_each_bvec()`).
///
/// # Invariants
///
/// `vec` is the vector of a bio from an entry on of which `done` bytes are done; from there on it
/// has `left` bytes more.
pub struct Segments<'a> {
    vec: *const bindings::bio_vec,
    done: u32,
    left: u32,
    sector: u64,
    _bio: PhantomData<&'a Bio>,
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Segment<'a>> {
        if self.left == 0 {
            return None;
        }
        // SAFETY: By the type invariants there is an entry, because there are bytes left.
        let vec = unsafe { &*self.vec };
        let len = vec.bv_len.wrapping_sub(self.done).min(self.left);
        // INVARIANT: This is what is left of the entry, as far as the bio goes.
        let segment = Segment {
            page: vec.bv_page,
            offset: vec.bv_offset.wrapping_add(self.done),
            len,
            sector: self.sector,
            _bio: PhantomData,
        };
        // INVARIANT: The entry is used up, or nothing is left.
        self.vec = self.vec.wrapping_add(1);
        self.done = 0;
        self.left = self.left.wrapping_sub(len);
        self.sector = self.sector.wrapping_add(u64::from(len >> SECTOR_SHIFT));
        Some(segment)
    }
}

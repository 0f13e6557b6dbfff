// SPDX-License-Identifier: GPL-2.0

//! The memory of bios.
//!
//! C header: [`include/linux/bvec.h`](srctree/include/linux/bvec.h)

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
    ptr::NonNull, //
};
use kernel::prelude::*;

/// The memory of a bio by the direction in which it goes.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::{block::{bio::Bio, segment::Transfer}, pmem::MappedRange};
///
/// fn carry_out(bio: &Bio, disk: MappedRange<'_>) -> Result {
///     match bio.transfer(disk)? {
///         Transfer::Store(segments) => segments.for_each(|segment| segment.store()),
///         Transfer::Load(mut segments) => segments.try_for_each(|segment| segment.load())?,
///     }
///     Ok(())
/// }
/// ```
pub enum Transfer<'a> {
    /// The bio is a write.
    Store(Segments<'a, Store>),
    /// The bio is a read.
    Load(Segments<'a, Load>),
}

/// The direction of a write, from the bio's memory to the disk's.
///
/// # Examples
///
/// ```
/// use kernel_ext::block::segment::{Segments, Store};
///
/// fn store_all(segments: Segments<'_, Store>) {
///     segments.for_each(|segment| segment.store());
/// }
/// ```
pub struct Store;

/// The direction of a read, from the disk's memory to the bio's.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::block::segment::{Load, Segments};
///
/// fn load_all(mut segments: Segments<'_, Load>) -> Result {
///     segments.try_for_each(|segment| segment.load())
/// }
/// ```
pub struct Load;

/// A piece of the memory of a bio, physically contiguous and maybe of several pages, and the memory
/// of the disk that it is copied to ([`Store`]) or from ([`Load`]).
///
/// # Invariants
///
/// - `disk` has less than 4 GiB.
/// - For the lifetime `'a`, the `disk.len()` bytes from `offset` bytes into `page` are memory that
///   the submitter of a bio has set aside for it. They are valid for reads if `D` is [`Store`], and
///   for writes if it is [`Load`]. Other tasks may access them at any time.
///
/// # Examples
///
/// ```
/// use kernel_ext::{block::segment::Segment, units::Sectors};
///
/// fn whole_sectors<D>(segment: &Segment<'_, D>) -> Sectors {
///     Sectors::in_bytes(segment.bytes().into())
/// }
/// ```
pub struct Segment<'a, D> {
    page: *mut bindings::page,
    offset: u32,
    sector: u64,
    disk: MappedRange<'a>,
    _direction: PhantomData<(&'a (), D)>,
}

impl<'a, D> Segment<'a, D> {
    /// The number of bytes.
    #[inline]
    pub const fn bytes(&self) -> u32 {
        // CAST: Less than 4 GiB by the type invariants.
        self.disk.len() as u32
    }

    /// The place on the disk of the first byte.
    #[inline]
    pub const fn sector(&self) -> Sector {
        Sector(self.sector)
    }

    /// The kernel's address of the first byte of the bio's memory.
    #[inline]
    fn as_ptr(&self) -> *mut u8 {
        // All memory is in the direct map, where pages follow each other as they do physically, so
        // that a mapping needs no end and holds for all of the segment.
        const _: () = assert!(!cfg!(CONFIG_HIGHMEM), "segments are mapped as a whole");
        // SAFETY:
        // - By the type invariants the page is set aside for the bio, so it is valid.
        // - The bytes from the offset on are too, and follow it in the direct map.
        unsafe {
            bindings::kmap_local_page(self.page)
                .cast::<u8>()
                .add(self.offset as usize)
        }
    }

    /// The part of the segment up to the end of a page, and the rest.
    ///
    /// Sectors do not cross pages, so both parts begin at a sector if the segment does.
    #[inline]
    pub fn split_page(self) -> (Self, Option<Self>) {
        let room = PAGE_SIZE as u32 - self.offset % PAGE_SIZE as u32;
        let Some((disk, rest)) = self.disk.split_at(room as usize) else {
            return (self, None);
        };
        // INVARIANT: Both are parts of the segment, which do not go past its end.
        let after = Self {
            offset: self.offset + room,
            sector: self.sector + u64::from(room >> SECTOR_SHIFT),
            disk: rest,
            ..self
        };
        (Self { disk, ..self }, Some(after))
    }
}

impl Segment<'_, Store> {
    /// Stores the bio's memory to the disk, around the CPU caches (`memcpy_flushcache()`).
    #[inline]
    pub fn store(&self) {
        // SAFETY:
        // - By the type invariants the bio's memory is valid for reads of as many bytes as the
        //   disk's has, but for data races.
        // - A submitter that has set aside the memory of the disk itself shares this with C: the
        //   copy has an undefined result then, but stays inside both.
        unsafe { self.disk.copy_from_ptr(self.as_ptr()) };
    }
}

impl Segment<'_, Load> {
    /// Loads the disk's memory into the bio's; survives machine checks (`copy_mc_to_kernel()`).
    ///
    /// Fails with `EIO` at the first byte that cannot be read.
    #[inline]
    pub fn load(&self) -> Result {
        // The kernel chooses the routine that survives machine checks by quirks of the CPU which
        // are private to it (`copy_mc_fragile_key`), so this calls C.
        // SAFETY:
        // - By the type invariants the bio's memory is valid for writes of as many bytes as the
        //   disk's has, but for data races.
        // - By its type invariants the disk's memory is valid for reads.
        // - A submitter that has set aside the memory of the disk itself shares this with C: the
        //   copy has an undefined result then, but stays inside both.
        let left = unsafe {
            bindings::copy_mc_to_kernel(
                self.as_ptr().cast(),
                self.disk.as_ptr().cast(),
                self.bytes(),
            )
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
/// - `vec` leads to an entry of the vector of a bio, of which `done` bytes are done; from there on
///   the bio has `left` bytes more.
/// - The `left` bytes at `disk` are of a [`MappedRange<'a>`].
/// - `D` is the direction of the bio.
///
/// # Examples
///
/// ```
/// use kernel_ext::block::segment::Segments;
///
/// fn bytes<D>(segments: Segments<'_, D>) -> u64 {
///     segments.map(|segment| u64::from(segment.bytes())).sum()
/// }
/// ```
pub struct Segments<'a, D> {
    vec: *const bindings::bio_vec,
    done: u32,
    left: u32,
    sector: u64,
    disk: NonNull<u8>,
    _direction: PhantomData<(&'a (), D)>,
}

impl<'a, D> Segments<'a, D> {
    /// The segments of a bio with the vector `vec`, as far as `iter` says. `disk` is the memory
    /// that holds the place of the bio on the disk.
    ///
    /// Fails with `EINVAL` if `disk` does not have the length of the bio.
    ///
    /// # Safety
    ///
    /// - `iter` must describe the vector, whose pages must be set aside for the bio for the
    ///   lifetime `'a`.
    /// - `D` must be the direction of the bio.
    #[inline]
    pub(super) unsafe fn new(
        vec: *const bindings::bio_vec,
        iter: bindings::bvec_iter,
        disk: MappedRange<'a>,
    ) -> Result<Self> {
        if disk.len() != iter.bi_size as usize {
            return Err(EINVAL);
        }
        #[cfg(has_bvec_offset)]
        let done = iter.bi_offset;
        // The name of the field up to 7.2.
        #[cfg(not(has_bvec_offset))]
        let done = iter.bi_bvec_done;

        // INVARIANT: The caller ensures that the iterator describes the vector and that `D` is the
        // direction; `disk` has as many bytes as the bio, as just checked.
        Ok(Self {
            // A bio without data has no vector.
            vec: vec.wrapping_add(iter.bi_idx as usize),
            done,
            left: iter.bi_size,
            sector: iter.bi_sector,
            disk: disk.base(),
            _direction: PhantomData,
        })
    }
}

// The arithmetic wraps: with `CONFIG_RUST_OVERFLOW_CHECKS` each plain operator would cost a branch
// for each segment. By the type invariants nothing overflows.
impl<'a, D> Iterator for Segments<'a, D> {
    type Item = Segment<'a, D>;

    #[inline]
    fn next(&mut self) -> Option<Segment<'a, D>> {
        if self.left == 0 {
            return None;
        }
        // SAFETY: By the type invariants there is an entry, because there are bytes left.
        let vec = unsafe { &*self.vec };
        let len = vec.bv_len.wrapping_sub(self.done).min(self.left);
        // SAFETY: By the type invariants the `left` bytes at `disk`, and so the first `len` of
        // them, are of a `MappedRange<'a>`.
        let disk = unsafe { MappedRange::from_raw(self.disk, len as usize) };
        // INVARIANT: These are the bytes of the entry that are not done, as far as the bio goes;
        // `len` has 32 bits, and `D` stays the direction.
        let segment = Segment {
            page: vec.bv_page,
            offset: vec.bv_offset.wrapping_add(self.done),
            sector: self.sector,
            disk,
            _direction: PhantomData,
        };
        // INVARIANT: All bytes of the entry are done, or nothing is left.
        // SAFETY: This leads to the next entry, or to the end of the vector.
        self.vec = unsafe { self.vec.add(1) };
        self.done = 0;
        self.left = self.left.wrapping_sub(len);
        self.sector = self.sector.wrapping_add(u64::from(len >> SECTOR_SHIFT));
        // SAFETY: This is the end of the bytes that were just taken from the range.
        self.disk = unsafe { self.disk.add(len as usize) };
        Some(segment)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Holding device memory: what a driver has mapped stays until it is let go.
//!
//! When a driver is unbound, its memory goes: the `struct page`s and the kernel's mapping of it.
//! Nobody who only has written down a frame number is told. [`Hold`] finds out whether the frame
//! is still there, and keeps it there.

use crate::{
    bindings,
    pmem::MappedRange,
    units::{
        Pfn,
        PAGE_SHIFT,
        PAGE_SIZE, //
    }, //
};
use core::ptr::NonNull;
use kernel::ffi::c_ulong;

/// A reference to a range of memory for filesystem DAX (`struct dev_pagemap`).
///
/// # Invariants
///
/// `map` is valid and of the type `MEMORY_DEVICE_FS_DAX`, we have a reference to it, and
/// `first..=last` is a range of it. So there are `struct page`s for these frames, and the kernel has
/// them mapped in its direct map.
struct MapRef {
    map: NonNull<bindings::dev_pagemap>,
    first: Pfn,
    last: Pfn,
}

impl MapRef {
    /// A reference to the memory that has the frame, if there is such memory and nobody has begun
    /// to remove it (`get_dev_pagemap()`).
    fn get(pfn: Pfn) -> Option<Self> {
        // SAFETY: Takes any frame number.
        let map = NonNull::new(unsafe { bindings::get_dev_pagemap(pfn.number() as c_ulong) })?;
        // INVARIANT: The function returns a reference, and the frame is in the map.
        let found = Self {
            map,
            first: pfn,
            last: pfn,
        };
        if found.kind() != bindings::memory_type_MEMORY_DEVICE_FS_DAX {
            return None;
        }
        Some(found.widened())
    }

    fn kind(&self) -> bindings::memory_type {
        // SAFETY: Valid by the type invariants.
        unsafe { (*self.map.as_ptr()).type_ }
    }

    /// The same reference, with all of the range that the frame is in.
    fn widened(mut self) -> Self {
        // SAFETY: Valid by the type invariants; the ranges, of which there are as many as the map
        // says, do not change while it is in use.
        let ranges = unsafe {
            let map = self.map.as_ptr();
            let first: *const bindings::range = (&raw const (*map).__bindgen_anon_1).cast();
            core::slice::from_raw_parts(first, (*map).nr_range as usize)
        };
        let range = ranges
            .iter()
            .map(|range| (Pfn::from_phys(range.start), Pfn::from_phys(range.end)))
            .find(|(first, last)| (*first..=*last).contains(&self.first));
        if let Some((first, last)) = range {
            // INVARIANT: This is a range of the map.
            (self.first, self.last) = (first, last);
        }
        self
    }

    /// The number of frames from `pfn` up to the end of the memory; none if it is not part of it.
    #[inline]
    fn frames_from(&self, pfn: Pfn) -> usize {
        if pfn >= self.first && pfn <= self.last {
            self.last.number() - pfn.number() + 1
        } else {
            0
        }
    }
}

impl Drop for MapRef {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariants we have a reference.
        unsafe { bindings::put_dev_pagemap(self.map.as_ptr()) };
    }
}

/// Holds one range of device memory at a time.
///
/// The driver that is unbound waits until it is dropped. It may be used in any context that does
/// not hold up the driver for ever: sleeping is fine, waiting for the driver is not.
#[derive(Default)]
pub struct Hold(Option<MapRef>);

impl Hold {
    /// Holds nothing.
    #[inline]
    pub const fn nothing() -> Self {
        Self(None)
    }

    /// The frames from `first` up to the end of the memory that has it, if it is there; it stays then.
    ///
    /// Lets go of other memory that was held. This is cheap when the frame is in the same memory as
    /// the one before. With [`None`] there is neither a `struct page` nor a mapping that may be
    /// touched, now or later. Any context.
    #[inline]
    pub fn frames_from(&mut self, first: Pfn) -> Option<Frames<'_>> {
        let mut pages = self.0.as_ref().map_or(0, |map| map.frames_from(first));
        if pages == 0 {
            // Drop the old reference first: it may be to memory that somebody waits to remove.
            self.0 = None;
            let map = self.0.insert(MapRef::get(first)?);
            pages = map.frames_from(first);
        }
        // INVARIANT: The map that is held has them, at least one, and is held for as long as `self`
        // is borrowed.
        self.0.as_ref().map(|map| Frames { first, pages, map })
    }

    /// The `pages` frames from `first` on; as [`Hold::frames_from`] otherwise.
    #[inline]
    pub fn frames(&mut self, first: Pfn, pages: usize) -> Option<Frames<'_>> {
        let all = self.frames_from(first)?;
        (all.pages >= pages).then(|| all.up_to(pages))
    }
}

/// Frames of memory for filesystem DAX that cannot go for the lifetime `'a`.
///
/// # Invariants
///
/// They are of `map`. During `'a`, there are `struct page`s for these frames, one or more, and the
/// kernel has them mapped in its direct map.
#[derive(Clone, Copy)]
pub struct Frames<'a> {
    first: Pfn,
    pages: usize,
    map: &'a MapRef,
}

impl<'a> Frames<'a> {
    /// The first frame.
    #[inline]
    pub const fn first(self) -> Pfn {
        self.first
    }

    /// The number of frames.
    #[inline]
    pub const fn pages(self) -> usize {
        self.pages
    }

    /// The first `pages` of the frames, at least one; or all, if there are fewer.
    #[inline]
    pub fn up_to(self, pages: usize) -> Self {
        // INVARIANT: These are some of the frames.
        Self {
            pages: pages.clamp(1, self.pages),
            ..self
        }
    }

    /// Whether `pfn` is of the same memory, which one driver has mapped at once.
    #[inline]
    pub fn are_with(self, pfn: Pfn) -> bool {
        self.map.frames_from(pfn) != 0
    }

    /// Their memory.
    #[inline]
    pub fn window(self) -> MappedRange<'a> {
        // SAFETY: The variable is set before there are any drivers, and does not change.
        let base = unsafe { bindings::page_offset_base };
        let addr = base.wrapping_add(self.first.number() << PAGE_SHIFT);
        // SAFETY: The direct map does not begin at zero, and holds the frames by the type
        // invariants; it is device memory, so no Rust code refers to it.
        unsafe {
            MappedRange::from_raw(
                NonNull::new_unchecked(core::ptr::with_exposed_provenance_mut(addr)),
                self.pages * PAGE_SIZE as usize,
            )
        }
    }
}

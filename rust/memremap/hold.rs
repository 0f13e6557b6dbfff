// SPDX-License-Identifier: GPL-2.0

//! Holding device memory, so that the driver that has mapped it cannot remove it.
//!
//! When a driver is unbound it removes its memory: the `struct page`s and the kernel's mapping. A
//! frame number that another part of the kernel has written down then leads nowhere. [`Hold`] finds
//! out whether the frame is still there, and keeps it.

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

/// A reference to some memory of a driver (`struct dev_pagemap`).
///
/// # Invariants
///
/// `0` is valid, and the reference is this object's.
struct MapRef(NonNull<bindings::dev_pagemap>);

impl MapRef {
    /// A reference to the memory that has the frame, if a driver has mapped such memory and has not
    /// begun to remove it (`get_dev_pagemap()`).
    fn get(pfn: Pfn) -> Option<Self> {
        // SAFETY: The function takes any frame number.
        let map = unsafe { bindings::get_dev_pagemap(pfn.number() as c_ulong) };
        // INVARIANT: Unless it returns NULL, the function takes a reference for its caller.
        NonNull::new(map).map(Self)
    }

    fn is_for_fs_dax(&self) -> bool {
        // SAFETY: The map is valid, by the type invariants. The driver set the type before it
        // mapped the memory.
        let kind = unsafe { (*self.0.as_ptr()).type_ };
        kind == bindings::memory_type_MEMORY_DEVICE_FS_DAX
    }

    /// The first and the last frame of the range that has the frame.
    fn range_with(&self, pfn: Pfn) -> Option<(Pfn, Pfn)> {
        // SAFETY:
        // - The map is valid, by the type invariants.
        // - The array at the end of the structure has as many ranges as the map says.
        // - They do not change while there is a reference to the map.
        let ranges = unsafe {
            let map = self.0.as_ptr();
            let first: *const bindings::range = (&raw const (*map).__bindgen_anon_1).cast();
            core::slice::from_raw_parts(first, (*map).nr_range as usize)
        };
        ranges
            .iter()
            .map(|range| (Pfn::from_phys(range.start), Pfn::from_phys(range.end)))
            .find(|(first, last)| (*first..=*last).contains(&pfn))
    }
}

impl Drop for MapRef {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The reference is this object's, by the type invariants.
        unsafe { bindings::put_dev_pagemap(self.0.as_ptr()) };
    }
}

/// A range of memory for filesystem DAX that is being held.
///
/// # Invariants
///
/// The frames `first..=last` are a range of the map, whose type is `MEMORY_DEVICE_FS_DAX`, and
/// `_map` is a reference to it. So there is a `struct page` for each of these frames, and the
/// kernel has them mapped in its direct map.
struct HeldRange {
    first: Pfn,
    last: Pfn,
    _map: MapRef,
}

impl HeldRange {
    /// The range that has the frame, if it is there and for filesystem DAX.
    fn with(pfn: Pfn) -> Option<Self> {
        let map = MapRef::get(pfn)?;
        if !map.is_for_fs_dax() {
            return None;
        }
        let (first, last) = map.range_with(pfn)?;
        // INVARIANT: The type has been checked, and the range is one of the map's.
        Some(Self {
            first,
            last,
            _map: map,
        })
    }

    /// The number of frames from `pfn` up to the end of the range; 0 if it is not in the range.
    #[inline]
    fn frames_from(&self, pfn: Pfn) -> usize {
        if pfn >= self.first && pfn <= self.last {
            self.last.offset_from(pfn) + 1
        } else {
            0
        }
    }
}

/// Holds one range of device memory at a time.
///
/// A driver that is being unbound waits until this is dropped, or holds another range. So a task
/// may sleep while it has one, but not wait for the driver.
///
/// # Examples
///
/// ```
/// use kernel_ext::{
///     memremap::Hold,
///     units::Pfn,
/// };
///
/// /// Writes back what the CPU caches hold of a page, if the page is still there.
/// fn flush_page(pfn: Pfn) -> bool {
///     let mut hold = Hold::nothing();
///     match hold.frames(pfn, 1) {
///         Some(frames) => {
///             frames.window().flush();
///             true
///         }
///         None => false,
///     }
/// }
/// ```
pub struct Hold(Option<HeldRange>);

impl Hold {
    /// Holds nothing.
    #[inline]
    pub const fn nothing() -> Self {
        Self(None)
    }

    /// The frames from `first` up to the end of the range of memory that has it, if it is there;
    /// the range stays then.
    ///
    /// Lets go of another range that was held. Cheap if the frame is in the range that is held
    /// already. [`None`] means that there is neither a `struct page` nor a mapping that may be
    /// touched. Any context.
    #[inline]
    pub fn frames_from(&mut self, first: Pfn) -> Option<Frames<'_>> {
        let mut pages = self.0.as_ref().map_or(0, |held| held.frames_from(first));
        if pages == 0 {
            // Before the next reference is taken: a driver may be waiting to remove this memory.
            self.0 = None;
            let held = self.0.insert(HeldRange::with(first)?);
            pages = held.frames_from(first);
        }
        // INVARIANT: The held range has them, and at least one: either `pages` was not 0, or
        // `HeldRange::with()` has found a range with the frame. It is held as long as `self` is
        // borrowed.
        self.0.as_ref().map(|held| Frames { first, pages, held })
    }

    /// The `pages` frames from `first` on; as [`Hold::frames_from`] otherwise.
    #[inline]
    pub fn frames(&mut self, first: Pfn, pages: usize) -> Option<Frames<'_>> {
        let all = self.frames_from(first)?;
        (all.pages >= pages).then(|| all.up_to(pages))
    }
}

/// Frames of memory for filesystem DAX that cannot be removed for the lifetime `'a`.
///
/// # Invariants
///
/// There is at least one, and all of them are in the range `held`. So during `'a` there is a
/// `struct page` of the type `MEMORY_DEVICE_FS_DAX` for each, and the kernel has them mapped in its
/// direct map.
///
/// # Examples
///
/// ```
/// use kernel_ext::{
///     memremap::Frames,
///     units::Pfn,
/// };
///
/// /// Whether both pages are memory that one driver has mapped at once.
/// fn neighbours(frames: Frames<'_>, other: Pfn) -> bool {
///     frames.up_to(1).are_with(other)
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Frames<'a> {
    first: Pfn,
    pages: usize,
    held: &'a HeldRange,
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
        // INVARIANT: These are the first of the frames, and at least one.
        Self {
            pages: pages.clamp(1, self.pages),
            ..self
        }
    }

    /// Whether `pfn` is in the same range of memory, which one driver has mapped at once.
    #[inline]
    pub fn are_with(self, pfn: Pfn) -> bool {
        self.held.frames_from(pfn) != 0
    }

    /// Their memory, in the direct map.
    #[inline]
    pub fn window(self) -> MappedRange<'a> {
        // SAFETY: The kernel sets the variable before there are drivers, and does not change it
        // then.
        let base = unsafe { bindings::page_offset_base };
        let addr = base + (self.first.number() << PAGE_SHIFT);
        // SAFETY: The direct map begins above the addresses of user space, so that no address in it is 0.
        let addr = unsafe { NonNull::new_unchecked(core::ptr::with_exposed_provenance_mut(addr)) };
        // SAFETY:
        // - The direct map has the frames for `'a`, by the type invariants.
        // - They are device memory, which Rust code has no references to.
        unsafe { MappedRange::from_raw(addr, self.pages * PAGE_SIZE as usize) }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Ranges of a file, and how they fall into pages.
//!
//! ```text
//!   page        page        page        page
//! |-----------|-----------|-----------|-----------|
//!       |=============== span ============|
//! |head |                                 | tail  |
//! ```
//!
//! Nothing here depends on the kernel, so the tests run on the host.

#[cfg(test)]
#[path = "../../rust/units.rs"]
mod units;

#[cfg(not(test))]
use kernel_ext::units;

use units::{
    PageIndex,
    PAGE_SIZE, //
};

/// Bytes of a file that follow each other, at least one.
///
/// # Invariants
///
/// `start < end <= 2^63`: no file is longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u64,
    end: u64,
}

impl Span {
    /// The bytes from `start` up to, but not including, `end`; [`None`] if there are none, or if no
    /// file can have them.
    #[inline]
    pub(crate) const fn new(start: u64, end: u64) -> Option<Self> {
        if start >= end || end > 1 << 63 {
            return None;
        }
        // INVARIANT: Just checked.
        Some(Self { start, end })
    }

    /// The `len` bytes from `start` on; [`None`] as for [`Span::new`].
    #[inline]
    pub(crate) const fn at(start: u64, len: u64) -> Option<Self> {
        Self::new(start, start.saturating_add(len))
    }

    /// The offset of the first byte.
    #[inline]
    pub(crate) const fn start(self) -> u64 {
        self.start
    }

    /// The offset behind the last byte.
    #[inline]
    pub(crate) const fn end(self) -> u64 {
        self.end
    }

    /// The number of bytes.
    #[inline]
    pub(crate) const fn len(self) -> u64 {
        self.end - self.start
    }

    /// The number of bytes, all of which are in memory.
    #[inline]
    pub(crate) const fn size(self) -> usize {
        self.len() as usize
    }

    /// How far into its page the first byte is.
    #[inline]
    pub(crate) const fn offset_in_page(self) -> usize {
        (self.start % PAGE_SIZE) as usize
    }

    /// The page of the first byte.
    #[inline]
    pub(crate) const fn first_page(self) -> PageIndex {
        PageIndex::containing(self.start)
    }

    /// The page of the last byte.
    #[inline]
    pub(crate) const fn last_page(self) -> PageIndex {
        PageIndex::containing(self.end - 1)
    }

    /// The number of pages that hold any of the bytes.
    #[inline]
    pub(crate) const fn pages(self) -> usize {
        // The last byte, which there is by the invariants, is not in a page before the first.
        self.last_page().plus(1).offset_from(self.first_page())
    }

    /// The pages that hold any of the bytes, as a whole.
    #[inline]
    pub(crate) const fn whole_pages(self) -> Self {
        // INVARIANT: Both ends move outwards, at most to 2^63, which is a multiple of a page.
        Self {
            start: page_start(self.start),
            end: page_end(self.end),
        }
    }

    /// Whether these are one or more whole pages.
    #[inline]
    pub(crate) const fn is_whole_pages(self) -> bool {
        (self.start | self.end) % PAGE_SIZE == 0
    }

    /// The bytes of the first page that are before these.
    #[inline]
    pub(crate) const fn head(self) -> Option<Self> {
        Self::new(page_start(self.start), self.start)
    }

    /// The bytes of the last page that are behind these.
    #[inline]
    pub(crate) const fn tail(self) -> Option<Self> {
        // INVARIANT: `end` is at most 2^63, which is a multiple of a page.
        match page_end(self.end) {
            end if end == self.end => None,
            end => Some(Self {
                start: self.end,
                end,
            }),
        }
    }

    /// The first `len` bytes, or all of them if there are not that many; [`None`] if `len` is 0.
    #[inline]
    pub(crate) const fn first(self, len: u64) -> Option<Self> {
        if len >= self.len() {
            return Some(self);
        }
        Self::at(self.start, len)
    }

    /// The bytes behind the first `len`; [`None`] if there are none.
    #[inline]
    pub(crate) const fn after(self, len: u64) -> Option<Self> {
        Self::new(self.start.saturating_add(len), self.end)
    }

    /// The bytes that are in the first page.
    #[inline]
    pub(crate) const fn in_first_page(self) -> Self {
        let end = page_end(self.start + 1);
        // INVARIANT: The page ends after its byte `start`.
        Self {
            start: self.start,
            end: if end < self.end { end } else { self.end },
        }
    }

    /// Calls `process` with the bytes that are left, until none are.
    ///
    /// `process` returns the bytes, from the first on, that it has processed. Stops at its first
    /// error.
    #[inline]
    pub(crate) fn consume<E>(
        self,
        mut process: impl FnMut(Self) -> Result<Self, E>,
    ) -> Result<(), E> {
        let mut left = Some(self);
        while let Some(span) = left {
            left = Self::new(process(span)?.end, self.end);
        }
        Ok(())
    }
}

/// The offset of the page that the byte at `offset` is in.
#[inline]
const fn page_start(offset: u64) -> u64 {
    offset & !(PAGE_SIZE - 1)
}

/// The next multiple of the size of a page, unless `offset`, which is at most 2^63, is one.
#[inline]
const fn page_end(offset: u64) -> u64 {
    page_start(offset + (PAGE_SIZE - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = PAGE_SIZE;

    /// Offsets at which something changes.
    const CORNERS: [u64; 14] = [
        0,
        1,
        63,
        PAGE - 1,
        PAGE,
        PAGE + 1,
        2 * PAGE - 1,
        2 * PAGE,
        2 * PAGE + 1,
        3 * PAGE - 1,
        3 * PAGE,
        3 * PAGE + 7,
        4 * PAGE - 1,
        4 * PAGE,
    ];

    fn spans() -> impl Iterator<Item = Span> {
        CORNERS.into_iter().flat_map(|start| {
            CORNERS
                .into_iter()
                .filter_map(move |end| Span::new(start, end))
        })
    }

    /// Numbers that look random, the same in each run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (self.0 >> 33) % limit
        }
    }

    #[test]
    fn agrees_with_counting_bytes() {
        for span in spans() {
            let bytes: Vec<u64> = (span.start()..span.end()).collect();
            let pages: Vec<u64> = {
                let mut pages: Vec<u64> = bytes.iter().map(|at| at / PAGE).collect();
                pages.dedup();
                pages
            };
            assert_eq!(span.len(), bytes.len() as u64);
            assert_eq!(span.pages(), pages.len());
            assert_eq!(span.first_page().0 as u64, pages[0]);
            assert_eq!(span.last_page().0 as u64, pages[pages.len() - 1]);
            assert_eq!(span.offset_in_page() as u64, bytes[0] % PAGE);

            let whole = span.whole_pages();
            assert_eq!(whole.start(), pages[0] * PAGE);
            assert_eq!(whole.end(), (pages[pages.len() - 1] + 1) * PAGE);
            assert_eq!(span.is_whole_pages(), whole == span);

            // Head, span and tail are the whole pages, in this order.
            let head = span.head().map_or(0, Span::len);
            let tail = span.tail().map_or(0, Span::len);
            assert_eq!(head + span.len() + tail, whole.len());
            assert!(span
                .head()
                .is_none_or(|head| head.pages() == 1 && head.end() == span.start()));
            assert!(span
                .tail()
                .is_none_or(|tail| tail.pages() == 1 && tail.start() == span.end()));

            let first = span.in_first_page();
            assert_eq!(first.start(), span.start());
            assert_eq!(
                first.len() as usize,
                bytes.iter().filter(|at| **at / PAGE == pages[0]).count()
            );
        }
    }

    #[test]
    fn there_is_no_empty_span() {
        assert_eq!(Span::new(5, 5), None);
        assert_eq!(Span::new(6, 5), None);
        assert_eq!(Span::at(5, 0), None);
        for span in spans() {
            assert_eq!(span.first(0), None);
            assert_eq!(span.first(1), Span::at(span.start(), 1));
            assert_eq!(span.first(span.len()), Some(span));
            assert_eq!(span.first(u64::MAX), Some(span));
        }
    }

    #[test]
    fn the_end_of_the_largest_file() {
        let end = i64::MAX as u64;
        let last = Span::new(end - 1, end).unwrap();
        assert_eq!(last.tail(), Span::new(end, 1 << 63));
        assert_eq!(last.whole_pages().end(), 1 << 63);
        assert_eq!(last.pages(), 1);
        assert_eq!(Span::at(u64::MAX, 1), None);
        assert_eq!(Span::at(1, u64::MAX), None);
        assert_eq!(Span::new(0, (1 << 63) + 1), None);
    }

    /// A device whose windows end at multiples of `chunk` pages.
    fn window(span: Span, chunk: u64) -> u64 {
        let page = span.start() / PAGE;
        (chunk - page % chunk).min(span.pages() as u64) * PAGE - span.start() % PAGE
    }

    #[test]
    fn consumes_all_through_any_windows() {
        for span in spans() {
            for (chunk_a, chunk_b) in [(1, 1), (1, 3), (2, 1), (2, 3), (3, 4), (9, 9)] {
                let mut seen = vec![];
                let result: Result<(), ()> = span.consume(|left| {
                    let len = window(left, chunk_a).min(window(left, chunk_b));
                    let done = left.first(len).unwrap();
                    assert_eq!(
                        done.start() / (chunk_a * PAGE),
                        (done.end() - 1) / (chunk_a * PAGE)
                    );
                    assert_eq!(
                        done.start() / (chunk_b * PAGE),
                        (done.end() - 1) / (chunk_b * PAGE)
                    );
                    seen.extend(done.start()..done.end());
                    Ok(done)
                });
                assert_eq!(result, Ok(()));
                assert_eq!(seen, (span.start()..span.end()).collect::<Vec<_>>());
            }
        }
        let failing = Span::new(0, 10).unwrap().consume(|_| Err("no"));
        assert_eq!(failing, Err("no"));
    }

    /// Does as a write that replaces shared blocks, with windows of `chunk` pages, whose user
    /// memory ends after `readable` bytes. Returns how many bytes were written.
    fn replace(new: &mut [u8], old: &[u8], span: Span, chunk: u64, readable: u64) -> u64 {
        let mut written = 0;
        let _ = span.consume(|left| {
            let part = left.first(window(left, chunk)).unwrap();
            let len = part.len().min(readable - written);
            let done = part.first(len).ok_or(())?;
            new[done.start() as usize..done.end() as usize].fill(0xee);
            for edge in [done.head(), done.tail()].into_iter().flatten() {
                let range = edge.start() as usize..edge.end() as usize;
                new[range.clone()].copy_from_slice(&old[range]);
            }
            written += len;
            if len < part.len() {
                return Err(());
            }
            Ok(done)
        });
        written
    }

    #[test]
    fn what_a_write_leaves_comes_from_the_old_blocks() {
        let old: Vec<u8> = (0..5 * PAGE).map(|at| (at % 233) as u8).collect();
        let mut numbers = Numbers(1);
        for span in spans() {
            for chunk in [1, 2, 3, 9] {
                for readable in [0, 1, numbers.below(span.len()), span.len() - 1, span.len()] {
                    let mut new = vec![0xdd; old.len()];
                    let written = replace(&mut new, &old, span, chunk, readable);
                    assert_eq!(written, readable);

                    // The filesystem replaces the blocks in which bytes were written.
                    let done = span.first(written);
                    for at in 0..old.len() as u64 {
                        let want = match done {
                            Some(done) if (done.start()..done.end()).contains(&at) => 0xee,
                            Some(done)
                                if (done.first_page().0..=done.last_page().0)
                                    .contains(&((at / PAGE) as usize)) =>
                            {
                                old[at as usize]
                            }
                            _ => 0xdd,
                        };
                        assert_eq!(new[at as usize], want, "{span:?} {chunk} {readable} {at}");
                    }
                }
            }
        }
    }
}

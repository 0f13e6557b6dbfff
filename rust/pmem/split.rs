// SPDX-License-Identifier: GPL-2.0

//! Where a copy to persistent memory changes from cached to non-temporal stores.
//!
//! Non-temporal stores exist for aligned words of 4 and 8 bytes only. The ragged edges of a copy,
//! which do not fit them, go through the cache and are written back.
//!
//! A non-temporal store to a line that is dirty in the cache first evicts it, which costs more than
//! all the stores together. So where the destination is not aligned, a line is stored either
//! through the cache or around it, never both. Where it is aligned, only the last 1 to 3 bytes go
//! through the cache, after the words before them have gone around it.
//!
//! Pure arithmetic without a dependency on the kernel, so that its tests run on the host as well
//! as in KUnit.

/// Granularity of the edges in bytes: a cache line.
///
/// Every x86-64 CPU reports this as its `clflush` size. Edges of copies depend on it: one write-back
/// covers an edge. Ranges are written back with the size that the CPU reports.
pub const LINE_SIZE: usize = 64;

/// The parts of a copy, in bytes and in ascending order of address.
///
/// # Invariants
///
/// - `head + body + tail` is the length of the copy.
/// - `head` and `tail` are less than [`LINE_SIZE`], and neither part crosses a line boundary.
/// - If `body` is not 0, it is a multiple of 4 and starts at a multiple of 8, or it is 4 and
///   starts at a multiple of 4.
/// - If the destination is not a multiple of 8, no line holds bytes of `body` together with bytes
///   of `head` or `tail`; otherwise, `tail` is less than 4.
///
/// # Examples
///
/// ```
/// use kernel_ext::pmem::split::split;
///
/// let parts = split(0x1003, 256);
/// assert_eq!((parts.head, parts.body, parts.tail), (61, 192, 3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Stored through the cache, then written back.
    pub head: usize,
    /// Stored around the cache.
    pub body: usize,
    /// Stored through the cache, then written back.
    pub tail: usize,
}

/// Whether a copy of `len` bytes to the address `dst` is made of aligned words of 8 bytes, and at
/// its end possibly one of 4.
#[inline(always)]
pub const fn is_aligned(dst: usize, len: usize) -> bool {
    // One test for both conditions: it saves a comparison and a branch in each copy. Twice the
    // length wraps for half of all lengths, which does not change the remainder.
    (dst | len.wrapping_mul(2)) % 8 == 0
}

/// Whether a copy of `len` bytes to the address `dst` is one aligned word of 4 bytes.
#[inline(always)]
pub const fn is_word(dst: usize, len: usize) -> bool {
    dst % 4 == 0 && len == 4
}

/// Whether a copy of `len` bytes to the address `dst` has no ragged edge.
#[inline(always)]
pub const fn is_whole(dst: usize, len: usize) -> bool {
    is_aligned(dst, len) || is_word(dst, len)
}

/// Whether a copy of `len` bytes to the address `dst` stays inside one line.
#[inline(always)]
pub const fn is_in_one_line(dst: usize, len: usize) -> bool {
    dst % LINE_SIZE + len <= LINE_SIZE
}

/// Splits a copy of `len` bytes to the address `dst`; the range must not wrap.
#[inline(always)]
pub const fn split(dst: usize, len: usize) -> Split {
    if is_whole(dst, len) {
        // INVARIANT: A copy without a ragged edge is all body.
        Split {
            head: 0,
            body: len,
            tail: 0,
        }
    } else if is_in_one_line(dst, len) {
        // INVARIANT: It is shorter than a line: a whole line would have no ragged edge.
        Split {
            head: len,
            body: 0,
            tail: 0,
        }
    } else {
        split_ragged(dst, len)
    }
}

/// Splits a copy that is neither [`is_whole`] nor [`is_in_one_line`].
#[inline(always)]
pub const fn split_ragged(dst: usize, len: usize) -> Split {
    if dst % 8 == 0 {
        // INVARIANT: The last word of 4 bytes ends less than 4 bytes before the end, and what
        // follows it does not cross a multiple of 4, so no line either.
        return Split {
            head: 0,
            body: len - len % 4,
            tail: len % 4,
        };
    }

    // The copy engine inlines this, so `wrapping_neg()` and `wrapping_add()`, whose results are
    // reduced modulo the line size, keep the branch of an overflow check out of each ragged copy.
    let head = dst.wrapping_neg() % LINE_SIZE;
    let rest = len - head;
    let in_last_line = dst.wrapping_add(len) % LINE_SIZE;
    let tail = if rest % 4 == 0 { 0 } else { in_last_line };

    // INVARIANT: The copy goes past the line in which it starts, so `head` is less than `len`, and
    // its last line starts inside `rest`, so `in_last_line` is at most that.
    // - The sum is `len`.
    // - Both edges stay in one line: that of the first byte and that of the last one.
    // - The body starts at a line; it ends at a line, or after `rest`, a multiple of 4. So it
    //   shares no line with an edge.
    Split {
        head,
        body: rest - tail,
        tail,
    }
}

#[cfg(any(test, all(CONFIG_KUNIT, kernel_ext_suites)))]
#[cfg_attr(not(test), kernel::macros::kunit_tests(rust_pmem_split))]
mod tests {
    use super::*;

    /// Whether the byte at `addr` of a copy goes around the cache, from the definition: what the
    /// copy changes in a line does if aligned words of 8 bytes, and at the end one of 4, cover
    /// exactly that; or cover it up to the end of an aligned copy of several lines.
    fn goes_around(dst: usize, len: usize, addr: usize) -> bool {
        let (line, end) = (addr / LINE_SIZE * LINE_SIZE, dst + len);
        let from = if line > dst { line } else { dst };
        let to = if line + LINE_SIZE < end {
            line + LINE_SIZE
        } else {
            end
        };
        let words = from % 8 == 0 && to % 4 == 0;
        let one_word = len == 4 && dst % 4 == 0;
        let before_last_bytes =
            dst % 8 == 0 && end / LINE_SIZE * LINE_SIZE > dst && addr < end / 4 * 4;
        words || one_word || before_last_bytes
    }

    #[test]
    fn agrees_with_the_byte_model() {
        for dst in 4096..4096 + LINE_SIZE {
            for len in 0..=300 {
                let s = split(dst, len);
                for addr in dst..dst + len {
                    let in_body = addr >= dst + s.head && addr < dst + s.head + s.body;
                    assert_eq!(in_body, goes_around(dst, len, addr));
                }
            }
        }
    }

    #[test]
    fn holds_its_invariants() {
        for dst in 4096..4096 + LINE_SIZE {
            for len in (0..=300).chain([4095, 4096, 4097, 65535, 1 << 20]) {
                let s = split(dst, len);
                assert_eq!(s.head + s.body + s.tail, len);
                assert!(s.head < LINE_SIZE && s.tail < LINE_SIZE);
                assert!(s.head == 0 || dst / LINE_SIZE == (dst + s.head - 1) / LINE_SIZE);
                let tail = dst + len - s.tail;
                assert!(s.tail == 0 || tail / LINE_SIZE == (dst + len - 1) / LINE_SIZE);

                let body = dst + s.head;
                assert!(s.body == 0 || is_whole(body, s.body));
                if dst % 8 == 0 {
                    assert!(s.tail < 4);
                } else {
                    assert!(s.body == 0 || s.head == 0 || body % LINE_SIZE == 0);
                    assert!(s.body == 0 || s.tail == 0 || (body + s.body) % LINE_SIZE == 0);
                }
            }
        }
    }

    #[test]
    fn one_line_has_one_part() {
        for dst in 4096..4096 + LINE_SIZE {
            for len in 0..=300 {
                let crossed = len > 0 && dst / LINE_SIZE != (dst + len - 1) / LINE_SIZE;
                assert_eq!(is_in_one_line(dst, len), !crossed);
                let s = split(dst, len);
                assert!(crossed || s.head == len || s.body == len);
            }
        }
    }

    #[test]
    fn whole_copies_have_no_edges() {
        for dst in 4096..4096 + LINE_SIZE {
            for len in 0..=300 {
                let s = split(dst, len);
                assert_eq!(is_whole(dst, len) && len != 0, s.body == len && len != 0);
            }
        }
    }
}

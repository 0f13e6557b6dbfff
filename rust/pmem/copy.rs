// SPDX-License-Identifier: GPL-2.0

//! Copies to persistent memory around the CPU cache, and writing the cache back.
//!
//! The counterpart of `__memcpy_flushcache()`, `copy_user_flushcache()` and `clean_cache_range()`.
//! As there, no function fences: the stored bytes are durable after the next fence.
//!
//! Other threads may store to either side of a copy while it runs, because user space can map both.
//! Assembly has no data races, so every access is made there.
//!
//! C headers: [`include/linux/string.h`](srctree/include/linux/string.h),
//! [`include/linux/uaccess.h`](srctree/include/linux/uaccess.h)
//!
//! C sources: [`arch/x86/lib/usercopy_64.c`](srctree/arch/x86/lib/usercopy_64.c),
//! [`arch/x86/lib/copy_user_uncached_64.S`](srctree/arch/x86/lib/copy_user_uncached_64.S)

use core::arch::asm;

use super::{
    asm::*,
    split::{is_aligned, is_in_one_line, is_word, split, split_ragged, LINE_SIZE},
};
use crate::bindings;

/// Writes back the cache lines that hold any of the `len` bytes at `addr`.
///
/// Uses `clwb`, else `clflushopt`, else `clflush`; the kernel patches the instruction in when it
/// loads this code.
///
/// # Safety
///
/// The `len` bytes at `addr` must be mapped for writing, or have been stored to by the caller.
#[inline]
pub(super) unsafe fn write_back(addr: *mut u8, len: usize) {
    if len == 0 {
        return;
    }
    // SAFETY: The field is a static variable of C, which boot code sets before this code is loaded.
    let line = unsafe { (&raw const bindings::boot_cpu_data.x86_clflush_size).read() } as usize;
    // SAFETY: The caller ensures that the `len` bytes at `addr` are mapped.
    let end = unsafe { addr.add(len) };
    // Counts up from a negative offset to 0, so that one addition moves the address and ends the
    // loop. Wraps, because negative numbers do; an overflow check of the mask would be one more
    // branch.
    let start = (addr as usize & !line.wrapping_sub(1)).wrapping_sub(end as usize);

    // SAFETY:
    // - `{end} + {i}` visits the lines from that of the first byte to that of the last one. A line
    //   never spans pages, and the caller ensures that the pages of the range are mapped.
    // - Writing a line back changes no memory.
    unsafe {
        asm!(
            concat!("2:\n", write_back_text!("({end},{i})"), "addq {line}, {i}\n", "jl 2b\n"),
            end = in(reg) end,
            i = inout(reg) start => _,
            line = in(reg) line,
            clflushopt = const bindings::X86_FEATURE_CLFLUSHOPT,
            clwb = const bindings::X86_FEATURE_CLWB,
            options(att_syntax, nostack),
        )
    }
}

/// The size and alignment of the blocks of [`write_back_blocks`].
pub(super) const BLOCK_SIZE: usize = 4 * LINE_SIZE;

/// Writes back whole blocks, with fewer instructions than [`write_back`].
///
/// # Safety
///
/// - The `len` bytes at `addr` must be mapped for writing.
/// - `addr` and `len` must be multiples of [`BLOCK_SIZE`], and `len` must not be 0.
#[inline]
pub(super) unsafe fn write_back_blocks(addr: *mut u8, len: usize) {
    // SAFETY: The field is a static variable of C, which boot code sets before this code is loaded.
    let line = unsafe { (&raw const bindings::boot_cpu_data.x86_clflush_size).read() } as usize;
    if line != LINE_SIZE {
        // SAFETY: The caller ensures that the range is mapped for writing.
        return unsafe { write_back(addr, len) };
    }
    // SAFETY: The caller ensures that the `len` bytes at `addr` are mapped.
    let end = unsafe { addr.add(len) };

    // `{i}` counts up from the negative length to 0.
    // SAFETY:
    // - `{end} + {i}` visits the first line of each block of the range, which the caller ensures is
    //   mapped and is made of whole blocks.
    // - Writing a line back changes no memory.
    unsafe {
        asm!(
            "2:",
            write_back_text!("({end},{i})"),
            write_back_text!("64({end},{i})"),
            write_back_text!("128({end},{i})"),
            write_back_text!("192({end},{i})"),
            "addq $256, {i}",
            "jl 2b",
            end = in(reg) end,
            i = inout(reg) len.wrapping_neg() => _,
            clflushopt = const bindings::X86_FEATURE_CLFLUSHOPT,
            clwb = const bindings::X86_FEATURE_CLWB,
            options(att_syntax, nostack),
        )
    }
}

/// Writes back the [`LINE_SIZE`] that holds the byte at `addr`, the last one of a copy.
///
/// # Safety
///
/// The byte at `addr` must be mapped for writing, or have been stored to by the caller.
#[inline(always)]
pub(super) unsafe fn write_back_edge(addr: *mut u8) {
    // SAFETY:
    // - The caller ensures that the byte is mapped, and with it its line, which does not span
    //   pages.
    // - Writing a line back changes no memory.
    unsafe {
        asm!(
            write_back_edge_text!("({addr})"),
            addr = in(reg) addr,
            clflushopt = const bindings::X86_FEATURE_CLFLUSHOPT,
            clwb = const bindings::X86_FEATURE_CLWB,
            options(att_syntax, nostack, preserves_flags),
        )
    }
}

/// Copies `len` bytes from kernel memory around the cache.
///
/// # Safety
///
/// - `src` must be valid for reads of `len` bytes and `dst` for writes, but for data races.
/// - The ranges must not overlap, unless the caller accepts any result in both.
pub(super) unsafe fn from_kernel(dst: *mut u8, src: *const u8, len: usize) {
    // SAFETY:
    // - The caller ensures that both ranges are valid and do not overlap where that matters.
    // - Each function gets a copy of the form that it asks for, as just checked.
    unsafe {
        if is_aligned(dst as usize, len) {
            body_from_kernel(dst, src, len);
        } else if !is_in_one_line(dst as usize, len) {
            ragged_from_kernel(dst, src, len);
        } else if is_word(dst as usize, len) {
            body_from_kernel(dst, src, len);
        } else if len != 0 {
            edge_from_kernel(dst, src, len);
        }
    }
}

/// Copies over several lines with a ragged edge.
///
/// # Safety
///
/// - The conditions of [`from_kernel`] must hold.
/// - The copy must be neither [`is_whole`](super::split::is_whole) nor [`is_in_one_line`].
#[inline(always)]
unsafe fn ragged_from_kernel(dst: *mut u8, src: *const u8, len: usize) {
    let split = split_ragged(dst as usize, len);
    if split.body == 0 {
        // SAFETY:
        // - The caller ensures that both ranges are valid for `len` bytes, which are not 0.
        // - The copy is a head in one line and a tail in the next, because it crosses a line and
        //   has no body: writing back the first and the last line covers it.
        unsafe {
            edge_from_kernel(dst, src, len);
            write_back_edge(dst.add(len - 1));
        }
        return;
    }
    // SAFETY:
    // - The text reads and writes the `len` bytes of the ranges, which the caller ensures are
    //   valid, and writes back lines of the destination.
    // - By the invariants of `Split` the body is words of 8 bytes, and at its end maybe one of 4.
    unsafe {
        asm!(
            ragged_text!(cannot_fault),
            s = inout(reg) src => _,
            d = inout(reg) dst => _,
            head = inout(reg) split.head => _,
            i = inout(reg) split.body => _,
            tail = inout(reg) split.tail => _,
            a = out(reg) _,
            b = out(reg) _,
            c = out(reg) _,
            e = out(reg) _,
            clflushopt = const bindings::X86_FEATURE_CLFLUSHOPT,
            clwb = const bindings::X86_FEATURE_CLWB,
            options(att_syntax, nostack),
        )
    }
}

/// Copies around the cache.
///
/// # Safety
///
/// - The conditions of [`from_kernel`] must hold.
/// - [`is_whole`](super::split::is_whole) must be true of the destination.
#[inline(always)]
unsafe fn body_from_kernel(dst: *mut u8, src: *const u8, len: usize) {
    // SAFETY: The text reads and writes the `len` bytes of the ranges, which the caller ensures are
    // valid.
    unsafe {
        asm!(
            body_text!(cannot_fault),
            s = inout(reg) src => _,
            d = inout(reg) dst => _,
            i = inout(reg) len => _,
            a = out(reg) _,
            b = out(reg) _,
            c = out(reg) _,
            e = out(reg) _,
            options(att_syntax, nostack),
        )
    }
}

/// Copies through the cache and writes back the first line.
///
/// # Safety
///
/// - The conditions of [`from_kernel`] must hold.
/// - `len` must not be 0.
#[inline(always)]
unsafe fn edge_from_kernel(dst: *mut u8, src: *const u8, len: usize) {
    // SAFETY: The text reads and writes the `len` bytes of the ranges, which the caller ensures are
    // valid.
    unsafe {
        asm!(
            edge_text!(cannot_fault, "{left}", "{i}", "0", then write_back_edge_text!("({d})")),
            s = in(reg) src,
            d = in(reg) dst,
            left = inout(reg) len => _,
            i = out(reg) _,
            a = out(reg) _,
            b = out(reg) _,
            c = out(reg) _,
            clflushopt = const bindings::X86_FEATURE_CLFLUSHOPT,
            clwb = const bindings::X86_FEATURE_CLWB,
            options(att_syntax, nostack),
        )
    }
}

/// Stores `len` zero bytes around the cache.
///
/// # Safety
///
/// `dst` must be valid for writes of `len` bytes, but for data races.
pub(super) unsafe fn zero(dst: *mut u8, len: usize) {
    static ZEROS: [u8; LINE_SIZE] = [0; LINE_SIZE];

    let s = split(dst as usize, len);
    // SAFETY: The caller ensures that `dst` is valid for `len` bytes.
    let body_end = unsafe { dst.add(len - s.tail) };
    // SAFETY:
    // - The parts are disjoint pieces of the range, which the caller ensures is valid for writes.
    // - By the invariants of `Split` an edge is shorter than `ZEROS`.
    // - The text stores the `body` bytes that end at `body_end`. By the same invariants their
    //   number is a multiple of 4, and they start at a multiple of 8 or are one word of 4 bytes.
    unsafe {
        if s.head != 0 {
            edge_from_kernel(dst, ZEROS.as_ptr(), s.head);
        }
        asm!(
            "addq $64, {i}",
            "jg 3f",
            "2:",
            "movnti {zero}, -64({d},{i})",
            "movnti {zero}, -56({d},{i})",
            "movnti {zero}, -48({d},{i})",
            "movnti {zero}, -40({d},{i})",
            "movnti {zero}, -32({d},{i})",
            "movnti {zero}, -24({d},{i})",
            "movnti {zero}, -16({d},{i})",
            "movnti {zero}, -8({d},{i})",
            "addq $64, {i}",
            "jle 2b",
            "3: cmpq $56, {i}",
            "jg 5f",
            "4: movnti {zero}, -64({d},{i})",
            "addq $8, {i}",
            "cmpq $56, {i}",
            "jle 4b",
            "5: cmpq $64, {i}",
            "je 6f",
            "movnti {zero:e}, -64({d},{i})",
            "6:",
            d = in(reg) body_end,
            // Counts up from the negative length.
            i = inout(reg) s.body.wrapping_neg() => _,
            zero = in(reg) 0usize,
            options(att_syntax, nostack),
        );
        if s.tail != 0 {
            edge_from_kernel(body_end, ZEROS.as_ptr(), s.tail);
        }
    }
}

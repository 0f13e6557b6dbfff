// SPDX-License-Identifier: GPL-2.0

//! Copies from user space to persistent memory around the CPU cache.
//!
//! Every access may fault: one to user memory because a page is absent or the address is wrong, one
//! to the destination because the kernel unmaps pages with a memory error. The exception table
//! sends each fault to the end of its piece of assembly, and the rest is tried again byte by byte.
//!
//! Each piece lies between `stac` and `clac` as a whole: no code that the compiler makes, and no
//! function, runs with user memory accessible. `user_access_begin()` of C would have to be a
//! helper, which in builds without `CONFIG_RUST_INLINE_HELPERS` is a function that returns with
//! user memory accessible; objtool rejects that, rightly.
//!
//! C header: [`include/linux/uaccess.h`](srctree/include/linux/uaccess.h)

use core::arch::asm;

use super::{
    asm::*,
    copy::{write_back, write_back_edge},
    split::{is_aligned, is_in_one_line, is_word, split_ragged},
};
use crate::bindings;

/// Copies `len` bytes from the user address `src` around the cache.
///
/// Returns the number of bytes at the end that could not be copied. All bytes before them are
/// copied and need only a fence to be durable.
///
/// Does not check for `access_ok()`: an address that is not one of user space faults, as it does
/// with `masked_user_access_begin()` in C. May sleep to take a page fault, unless page faults are
/// disabled.
///
/// # Safety
///
/// `dst` must be valid for writes of `len` bytes, but for data races and for pages that the kernel
/// has unmapped.
pub(super) unsafe fn from_user(dst: *mut u8, src: *const u8, len: usize) -> usize {
    let src = mask(src);
    // SAFETY:
    // - The caller ensures that `dst` is valid for writes of `len` bytes.
    // - Each function gets a copy of the form that it asks for, as just checked, and an address
    //   that has been masked.
    unsafe {
        if is_aligned(dst as usize, len) {
            whole_from_user(dst, src, len)
        } else if !is_in_one_line(dst as usize, len) {
            ragged_from_user(dst, src, len)
        } else if is_word(dst as usize, len) {
            whole_from_user(dst, src, len)
        } else if len == 0 || edge_from_user(dst, src, len) == 0 {
            0
        } else {
            bytes_from_user(dst, src, len)
        }
    }
}

/// Copies over several lines with a ragged edge; returns how many bytes remain. `src` must have
/// been through [`mask`].
///
/// # Safety
///
/// - `dst` must be valid for writes as for [`from_user`].
/// - The copy must be neither [`is_whole`](super::split::is_whole) nor [`is_in_one_line`].
#[inline(always)]
unsafe fn ragged_from_user(mut dst: *mut u8, mut src: *const u8, len: usize) -> usize {
    let split = split_ragged(dst as usize, len);
    if split.body == 0 {
        // SAFETY:
        // - The caller ensures that `dst` is valid for writes of `len` bytes, which are not 0.
        // - The copy is a head in one line and a tail in the next, because it crosses a line and
        //   has no body. The second line is written back after a store to it has succeeded, so that
        //   it is mapped.
        unsafe {
            if edge_from_user(dst, src, len) != 0 {
                return bytes_from_user(dst, src, len);
            }
            write_back_edge(dst.add(len - 1));
        }
        return 0;
    }

    let left;
    // SAFETY:
    // - The text writes the `len` bytes that the caller ensures are valid for writes, and writes
    //   back lines that it has just stored to, so that they are mapped.
    // - By the invariants of `Split` the body is words of 8 bytes, and at its end maybe one of 4.
    // - Every access that may fault has an entry in the exception table.
    unsafe {
        asm!(
            concat!(stac!(), ragged_text!(may_fault), clac!()),
            s = inout(reg) src,
            d = inout(reg) dst,
            head = inout(reg) split.head => _,
            i = inout(reg) split.body => _,
            tail = inout(reg) split.tail => left,
            a = out(reg) _,
            b = out(reg) _,
            c = out(reg) _,
            e = out(reg) _,
            smap = const bindings::X86_FEATURE_SMAP,
            uaccess = const bindings::EX_TYPE_UACCESS,
            clflushopt = const bindings::X86_FEATURE_CLFLUSHOPT,
            clwb = const bindings::X86_FEATURE_CLWB,
            options(att_syntax, nostack),
        )
    }
    if left != 0 {
        // SAFETY: The text leaves in `dst` and `left` the end of the range that the caller ensures
        // is valid for writes.
        return unsafe { bytes_from_user(dst, src, left) };
    }
    0
}

/// Makes an address that is not one of user space the first address past it, which faults.
///
/// A conditional move rather than a branch, so that speculation cannot go around it.
#[inline(always)]
fn mask(src: *const u8) -> *const u8 {
    let masked: usize;
    // SAFETY:
    // - The assembly works on registers alone.
    // - The variable is a static one of C, which boot code sets before this code is loaded.
    unsafe {
        asm!(
            "cmpq {max}, {src}",
            "cmovaq {max}, {src}",
            max = in(reg) (&raw const bindings::USER_PTR_MAX).read(),
            src = inout(reg) src as usize => masked,
            options(att_syntax, nostack, nomem),
        )
    }
    masked as *const u8
}

/// Copies around the cache without edges; returns how many bytes remain. `src` must have been
/// through [`mask`].
///
/// # Safety
///
/// - `dst` must be valid for writes as for [`from_user`].
/// - [`is_whole`](super::split::is_whole) must be true of the destination.
#[inline(always)]
unsafe fn whole_from_user(mut dst: *mut u8, mut src: *const u8, len: usize) -> usize {
    let i: usize;
    // SAFETY:
    // - The text writes the `len` bytes that the caller ensures are valid for writes.
    // - Every access that may fault has an entry in the exception table.
    unsafe {
        asm!(
            concat!(stac!(), body_text!(may_fault), "9:\n", clac!()),
            s = inout(reg) src,
            d = inout(reg) dst,
            i = inout(reg) len => i,
            a = out(reg) _,
            b = out(reg) _,
            c = out(reg) _,
            e = out(reg) _,
            smap = const bindings::X86_FEATURE_SMAP,
            uaccess = const bindings::EX_TYPE_UACCESS,
            options(att_syntax, nostack),
        )
    }
    if i == 32 {
        return 0;
    }
    // SAFETY: After a fault, as `body_text` says, `32 - i` bytes are left from `dst + i` on: the
    // end of the range that the caller ensures is valid for writes.
    unsafe {
        // `i` may be a negative number, for which only wrapping arithmetic is right.
        bytes_from_user(
            dst.wrapping_add(i),
            src.wrapping_add(i),
            32usize.wrapping_sub(i),
        )
    }
}

/// Copies through the cache and writes back the first line; returns 0, or `len` if an access
/// faulted.
///
/// # Safety
///
/// - `dst` must be valid for writes as for [`from_user`].
/// - `len` must not be 0.
#[inline(always)]
unsafe fn edge_from_user(dst: *mut u8, src: *const u8, len: usize) -> usize {
    let left;
    // SAFETY:
    // - The text writes the `len` bytes that the caller ensures are valid for writes.
    // - Every access that may fault has an entry in the exception table.
    unsafe {
        asm!(
            concat!(
                stac!(),
                edge_text!(may_fault, "{left}", "{i}", "0", then write_back_edge_text!("({d})")),
                "9:\n",
                clac!()),
            s = in(reg) src,
            d = in(reg) dst,
            left = inout(reg) len => left,
            i = out(reg) _,
            a = out(reg) _,
            b = out(reg) _,
            c = out(reg) _,
            clflushopt = const bindings::X86_FEATURE_CLFLUSHOPT,
            clwb = const bindings::X86_FEATURE_CLWB,
            smap = const bindings::X86_FEATURE_SMAP,
            uaccess = const bindings::EX_TYPE_UACCESS,
            options(att_syntax, nostack),
        )
    }
    left
}

/// Copies byte by byte through the cache after a fault, up to the byte that faults, and writes
/// back; returns how many bytes remain.
///
/// # Safety
///
/// `dst` must be valid for writes as for [`from_user`], and `len` must not be 0.
#[cold]
#[inline(never)]
unsafe fn bytes_from_user(dst: *mut u8, src: *const u8, len: usize) -> usize {
    let left: usize;
    // SAFETY:
    // - The text writes the `len` bytes that the caller ensures are valid for writes.
    // - Every access that may fault has an entry in the exception table.
    unsafe {
        asm!(
            concat!(
                stac!(),
                "2:\n",
                may_fault!("movzbl ({src}), {a:e}"),
                may_fault!("movb {a:l}, ({dst})"),
                "incq {src}\n",
                "incq {dst}\n",
                "decq {left}\n",
                "jnz 2b\n",
                "9:\n",
                clac!(),
            ),
            src = inout(reg) src => _,
            dst = inout(reg) dst => _,
            left = inout(reg) len => left,
            a = out(reg) _,
            smap = const bindings::X86_FEATURE_SMAP,
            uaccess = const bindings::EX_TYPE_UACCESS,
            options(att_syntax, nostack),
        )
    }
    // SAFETY: The text has just stored to these bytes, so they are mapped.
    unsafe { write_back(dst, len - left) };
    left
}

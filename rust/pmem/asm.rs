// SPDX-License-Identifier: GPL-2.0

//! The pieces of x86 assembly that the copy routines are made of.
//!
//! Boot-time alternatives and exception table entries are data that the kernel finds in sections
//! of the object. The macros here write what `ALTERNATIVE()` and `_ASM_EXTABLE_UA()` write in C;
//! the sizes of the entries are checked against the C structures.
//!
//! C headers: [`arch/x86/include/asm/alternative.h`](srctree/arch/x86/include/asm/alternative.h),
//! [`arch/x86/include/asm/asm.h`](srctree/arch/x86/include/asm/asm.h)

use core::mem::size_of;

use crate::bindings;

// The entries below are written field by field.
const _: () = assert!(size_of::<bindings::alt_instr>() == 14);
const _: () = assert!(size_of::<bindings::exception_table_entry>() == 12);

/// An instruction that the kernel replaces at load by the one for the feature that the CPU has.
///
/// `$old` is kept when the CPU does not have the feature and is padded with NOPs to the length of
/// `$new`. `$feature` is the name of a `const` operand. May be nested: labels are local.
macro_rules! alternative {
    ($old:expr, $new:expr, $feature:literal) => {
        concat!(
            "771:\n",
            $old,
            "\n772:\n",
            ".skip -(((775f-774f)-(772b-771b)) > 0) * ((775f-774f)-(772b-771b)), 0x90\n",
            "773:\n",
            ".pushsection .altinstructions, \"aM\", @progbits, 14\n",
            ".long 771b - .\n",
            ".long 774f - .\n",
            ".4byte {",
            $feature,
            "}\n",
            ".byte 773b-771b\n",
            ".byte 775f-774f\n",
            ".popsection\n",
            ".pushsection .altinstr_replacement, \"ax\"\n",
            "774:\n",
            $new,
            "\n775:\n",
            ".popsection\n",
        )
    };
}
pub(super) use alternative;

/// The instruction `$insn`, which may fault: execution then goes on at the label `9`.
///
/// With `count:`, text that only counts which bytes are left after a fault.
macro_rules! may_fault {
    (count: $text:expr) => {
        $text
    };
    ($insn:expr) => {
        concat!(
            "770: ",
            $insn,
            "\n",
            ".pushsection __ex_table, \"aM\", @progbits, 12\n",
            ".balign 4\n",
            ".long 770b - .\n",
            ".long 9f - .\n",
            ".long {uaccess}\n",
            ".popsection\n",
        )
    };
}
pub(super) use may_fault;

/// The instruction `$insn`, which cannot fault; the twin of [`may_fault`].
macro_rules! cannot_fault {
    (count: $text:expr) => {
        ""
    };
    ($insn:expr) => {
        concat!($insn, "\n")
    };
}
pub(super) use cannot_fault;

/// The text of a copy of `{i}` bytes, for which `is_whole` is true, from `{s}` to `{d}` around the
/// cache.
///
/// Bytes are counted by `{i}` from 32 minus their number up to 32, against `{s}` and `{d}`, which
/// become pointers to 32 bytes before the ends. So one add serves both pointers and the counter,
/// and wherever an access faults, `32 - i` bytes are left, and `s + i` is the first of them.
macro_rules! body_text {
    ($access:ident) => {
        concat!(
            "leaq -32({s},{i}), {s}\n",
            "leaq -32({d},{i}), {d}\n",
            "negq {i}\n",
            "addq $32, {i}\n",
            "jg 3f\n",
            // Four loads before four stores: a load that faults leaves nothing half done.
            "2:\n",
            $access!("movq ({s},{i}), {a}"),
            $access!("movq 8({s},{i}), {b}"),
            $access!("movq 16({s},{i}), {c}"),
            $access!("movq 24({s},{i}), {e}"),
            $access!("movnti {a}, ({d},{i})"),
            $access!("movnti {b}, 8({d},{i})"),
            $access!("movnti {c}, 16({d},{i})"),
            $access!("movnti {e}, 24({d},{i})"),
            "addq $32, {i}\n",
            "jle 2b\n",
            "3: cmpq $16, {i}\n",
            "jg 4f\n",
            $access!("movq ({s},{i}), {a}"),
            $access!("movq 8({s},{i}), {b}"),
            $access!("movnti {a}, ({d},{i})"),
            $access!("movnti {b}, 8({d},{i})"),
            "addq $16, {i}\n",
            "4: cmpq $24, {i}\n",
            "jg 5f\n",
            $access!("movq ({s},{i}), {a}"),
            $access!("movnti {a}, ({d},{i})"),
            "addq $8, {i}\n",
            "5: cmpq $32, {i}\n",
            "je 6f\n",
            $access!("movl ({s},{i}), {a:e}"),
            $access!("movnti {a:e}, ({d},{i})"),
            $access!(count: "addq $4, {i}\n"),
            "6:\n",
        )
    };
}
pub(super) use body_text;

/// The text of a copy of `$n` bytes, at least 1, through the cache, from `$at` bytes after `{s}` to
/// as many after `{d}`.
///
/// Any length is made of moves of one size that overlap. `$n` becomes 0, or stays what it was if an
/// access faults. With `then $more`, that runs before it becomes 0. `$i` is overwritten.
macro_rules! edge_text {
    ($access:ident, $n:literal, $i:literal, $at:literal, then $more:expr) => {
        concat!(
            concat!("cmpq $8, ", $n, "\n"),
            "jb 5f\n",
            concat!("cmpq $16, ", $n, "\n"),
            "jb 4f\n",
            // The first 16 bytes are loaded first and stored last, whatever of them the loop wrote
            // on its way down.
            $access!(concat!("movq ", $at, "({s}), {a}")),
            $access!(concat!("movq ", $at, "+8({s}), {b}")),
            concat!("movq ", $n, ", ", $i, "\n"),
            concat!("subq $16, ", $i, "\n"),
            "je 3f\n",
            "2:\n",
            $access!(concat!("movq ", $at, "({s},", $i, "), {c}")),
            $access!(concat!("movq {c}, ", $at, "({d},", $i, ")")),
            $access!(concat!("movq ", $at, "+8({s},", $i, "), {c}")),
            $access!(concat!("movq {c}, ", $at, "+8({d},", $i, ")")),
            concat!("subq $16, ", $i, "\n"),
            "ja 2b\n",
            "3:\n",
            $access!(concat!("movq {a}, ", $at, "({d})")),
            $access!(concat!("movq {b}, ", $at, "+8({d})")),
            "jmp 8f\n",
            "4:\n",
            $access!(concat!("movq ", $at, "({s}), {a}")),
            $access!(concat!("movq ", $at, "-8({s},", $n, "), {b}")),
            $access!(concat!("movq {a}, ", $at, "({d})")),
            $access!(concat!("movq {b}, ", $at, "-8({d},", $n, ")")),
            "jmp 8f\n",
            concat!("5: cmpq $4, ", $n, "\n"),
            "jb 6f\n",
            $access!(concat!("movl ", $at, "({s}), {a:e}")),
            $access!(concat!("movl ", $at, "-4({s},", $n, "), {b:e}")),
            $access!(concat!("movl {a:e}, ", $at, "({d})")),
            $access!(concat!("movl {b:e}, ", $at, "-4({d},", $n, ")")),
            "jmp 8f\n",
            concat!("6: cmpq $2, ", $n, "\n"),
            "jb 7f\n",
            $access!(concat!("movzwl ", $at, "({s}), {a:e}")),
            $access!(concat!("movzwl ", $at, "-2({s},", $n, "), {b:e}")),
            $access!(concat!("movw {a:x}, ", $at, "({d})")),
            $access!(concat!("movw {b:x}, ", $at, "-2({d},", $n, ")")),
            "jmp 8f\n",
            "7:\n",
            $access!(concat!("movzbl ", $at, "({s}), {a:e}")),
            $access!(concat!("movb {a:l}, ", $at, "({d})")),
            "8:\n",
            $more,
            $access!(count: concat!("xorq ", $n, ", ", $n, "\n")),
        )
    };
}
pub(super) use edge_text;

/// The text of a copy of `{head}` bytes through the cache, then `{i}` around it, then `{tail}`
/// through it, each of which may be 0, from `{s}` to `{d}`. Head and tail are written back.
///
/// Afterwards `{tail}` is how many bytes are left, because an access has faulted; `{s}` and `{d}`
/// are the addresses of the first of them.
macro_rules! ragged_text {
    ($access:ident) => {
        concat!(
            "testq {head}, {head}\n",
            "je 20f\n",
            edge_text!($access, "{head}", "{e}", "0", then concat!(
                write_back_edge_text!("({d})"),
                "addq {head}, {s}\n",
                "addq {head}, {d}\n",
            )),
            "20:\n",
            body_text!($access),
            "testq {tail}, {tail}\n",
            "je 22f\n",
            // `{s}` and `{d}` are 32 bytes before the tail.
            edge_text!($access, "{tail}", "{e}", "32", then write_back_edge_text!("32({d})")),
            $access!(count: concat!(
                "jmp 22f\n",
                "9: testq {head}, {head}\n",
                "je 21f\n",
                "addq {i}, {tail}\n",
                "addq {head}, {tail}\n",
                "jmp 22f\n",
                // The head is done, and `{i}` says how much of the body.
                "21: addq {i}, {s}\n",
                "addq {i}, {d}\n",
                "subq {i}, {tail}\n",
                "addq $32, {tail}\n",
            )),
            "22:\n",
        )
    };
}
pub(super) use ragged_text;

/// Allows the kernel to access user memory, until [`clac`] (if the CPU has SMAP).
macro_rules! stac {
    () => {
        alternative!("", "stac", "smap")
    };
}
pub(super) use stac;

/// Ends what [`stac`] began.
macro_rules! clac {
    () => {
        alternative!("", "clac", "smap")
    };
}
pub(super) use clac;

/// Writes back the line of `$at`, an operand, and leaves it in the cache if the CPU can.
macro_rules! write_back_text {
    ($at:literal) => {
        alternative!(
            alternative!(
                concat!("ds clflush ", $at),
                concat!("clflushopt ", $at),
                "clflushopt"
            ),
            concat!("clwb ", $at),
            "clwb"
        )
    };
}
pub(super) use write_back_text;

/// Writes back the line of an edge, which was copied through the cache.
#[cfg(not(CONFIG_RUST_DAX_LOSE_EDGES))]
macro_rules! write_back_edge_text {
    ($at:literal) => {
        write_back_text!($at)
    };
}

/// Leaves the line of an edge in the cache, so that a power cut would lose it.
#[cfg(CONFIG_RUST_DAX_LOSE_EDGES)]
macro_rules! write_back_edge_text {
    ($at:literal) => {
        alternative!(
            alternative!(
                concat!("prefetcht0 ", $at),
                concat!("prefetcht0 ", $at),
                "clflushopt"
            ),
            concat!("prefetcht0 ", $at),
            "clwb"
        )
    };
}
pub(super) use write_back_edge_text;

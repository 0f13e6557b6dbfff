// SPDX-License-Identifier: GPL-2.0

//! The effects of instructions on caches.

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

use crate::lines::Store;
use crate::marker;

/// The effect of an instruction that the plugin has to record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It may store, in this way.
    Stores(Store),
    /// It writes a line back.
    WritesBack,
    /// It is a fence instruction.
    Fences,
    /// It is locked, so it is a fence, and it stores.
    Locks,
    /// It is a marker: a program asks the checker.
    Marker,
    /// It enters the kernel.
    Calls,
    /// It returns to the program.
    Returns,
}

/// Decodes the first instruction of `bytes`, at address `ip`, in 64-bit mode.
pub fn decode(bytes: &[u8], ip: u64) -> Instruction {
    Decoder::with_ip(64, bytes, ip, DecoderOptions::NONE).decode()
}

/// The effect of an instruction. `Stores(Cached)` includes instructions that store nothing.
pub fn effect(insn: &Instruction) -> Effect {
    use Mnemonic::*;
    match insn.mnemonic() {
        Movnti | Movntdq | Movntpd | Movntps | Movntq | Movntsd | Movntss | Maskmovdqu
        | Maskmovq | Vmovntdq | Vmovntpd | Vmovntps | Vmaskmovdqu => {
            Effect::Stores(Store::Streaming)
        }
        Clwb | Clflushopt | Clflush => Effect::WritesBack,
        Sfence | Mfence => Effect::Fences,
        Syscall => Effect::Calls,
        Sysretq => Effect::Returns,
        Nop if is_marker(insn) => Effect::Marker,
        // xchg with memory is locked without a prefix
        Xchg if insn.op0_kind() == OpKind::Memory => Effect::Locks,
        _ if insn.has_lock_prefix() => Effect::Locks,
        _ => Effect::Stores(Store::Cached),
    }
}

/// The address of the line that the instruction writes back. `register` returns the value of a
/// register; of a segment register, its base.
pub fn address(
    insn: &Instruction,
    mut register: impl FnMut(Register) -> Option<u64>,
) -> Option<u64> {
    insn.virtual_address(0, 0, |name, _, _| match name {
        // no base in 64-bit mode
        Register::CS | Register::DS | Register::ES | Register::SS => Some(0),
        _ => register(name),
    })
}

fn is_marker(insn: &Instruction) -> bool {
    insn.op0_kind() == OpKind::Memory
        && insn.memory_base() == Register::RAX
        && insn.memory_index() == Register::None
        && insn.memory_displacement64() == marker::MAGIC
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn effects() {
        let cases: &[(&[u8], Effect)] = &[
            (&[0x48, 0x89, 0x07], Effect::Stores(Store::Cached)), // mov %rax,(%rdi)
            (&[0x90], Effect::Stores(Store::Cached)),             // nop
            (&[0x48, 0x0f, 0xc3, 0x07], Effect::Stores(Store::Streaming)), // movnti %rax,(%rdi)
            (&[0x66, 0x0f, 0xe7, 0x07], Effect::Stores(Store::Streaming)), // movntdq %xmm0,(%rdi)
            (&[0xc5, 0xfd, 0xe7, 0x07], Effect::Stores(Store::Streaming)), // vmovntdq %ymm0,(%rdi)
            (&[0x66, 0x0f, 0xae, 0x37], Effect::WritesBack),      // clwb (%rdi)
            (&[0x66, 0x0f, 0xae, 0x3f], Effect::WritesBack),      // clflushopt (%rdi)
            (&[0x0f, 0xae, 0x3f], Effect::WritesBack),            // clflush (%rdi)
            (&[0x0f, 0xae, 0x37], Effect::Stores(Store::Cached)), // xsaveopt (%rdi)
            (&[0x0f, 0xae, 0xf8], Effect::Fences),                // sfence
            (&[0x0f, 0xae, 0xf0], Effect::Fences),                // mfence
            (&[0x0f, 0xae, 0xe8], Effect::Stores(Store::Cached)), // lfence
            (&[0xf0, 0x48, 0x0f, 0xb1, 0x0f], Effect::Locks),     // lock cmpxchg %rcx,(%rdi)
            (&[0x87, 0x07], Effect::Locks),                       // xchg %eax,(%rdi)
            (&[0x87, 0xc1], Effect::Stores(Store::Cached)),       // xchg %eax,%ecx
            (&[0x0f, 0x05], Effect::Calls),                       // syscall
            (&[0x48, 0x0f, 0x07], Effect::Returns),               // sysretq
            (
                &[0x0f, 0x1f, 0x80, 0, 0, 0, 0],
                Effect::Stores(Store::Cached),
            ), // nopl 0(%rax)
        ];
        for (bytes, expected) in cases {
            assert_eq!(effect(&decode(bytes, 0)), *expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn a_marker_is_its_displacement() {
        let [a, b, c, d] = (marker::MAGIC as u32).to_le_bytes();
        assert_eq!(
            effect(&decode(&[0x0f, 0x1f, 0x80, a, b, c, d], 0)),
            Effect::Marker
        );
        // of another base
        assert_ne!(
            effect(&decode(&[0x0f, 0x1f, 0x81, a, b, c, d], 0)),
            Effect::Marker
        );
    }

    #[test]
    fn addresses() {
        let register = |name| match name {
            Register::RDI => Some(0x1000),
            Register::R9 => Some(0x20),
            Register::GS => Some(0xffff_8880_0000_0000),
            _ => None,
        };
        let cases: &[(&[u8], u64)] = &[
            (&[0x66, 0x0f, 0xae, 0x37], 0x1000),             // (%rdi)
            (&[0x66, 0x0f, 0xae, 0x77, 0xc0], 0xfc0),        // -0x40(%rdi)
            (&[0x66, 0x42, 0x0f, 0xae, 0x34, 0xcf], 0x1100), // (%rdi,%r9,8)
            (&[0x65, 0x66, 0x0f, 0xae, 0x37], 0xffff_8880_0000_1000), // %gs:(%rdi)
            (&[0x66, 0x0f, 0xae, 0x35, 0x10, 0, 0, 0], 0x8018), // 0x10(%rip)
        ];
        for (bytes, expected) in cases {
            assert_eq!(
                address(&decode(bytes, 0x8000), register),
                Some(*expected),
                "{bytes:02x?}"
            );
        }
    }
}

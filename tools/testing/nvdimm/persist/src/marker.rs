// SPDX-License-Identifier: GPL-2.0

//! Markers: the questions of programs in the guest to the plugin.
//!
//! A question is the instruction `nopl MAGIC(%rax)`, which does nothing without the plugin. `%rdi`
//! is the kind of question, `%rsi` and `%rdx` are its arguments. The plugin returns the answer in
//! `%rax`; without the plugin, `%rax` keeps its value. `../include/persist.h` is the same for C.

/// The displacement by which the plugin recognises a nop as a marker.
pub const MAGIC: u64 = 0x7061_7864;

/// The answer if memory is not mapped or not persistent, or if nothing is known about it. The
/// report has the reason.
pub const NOT_THERE: u64 = u64::MAX;

/// The fields of a line that is not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The line's offset from the checked address, 0 for the first line; for a check of physical
    /// memory, its address.
    Offset,
    /// 0: a byte of it is only in a cache; 1: it lacks only a fence.
    State,
    /// The address of the last instruction that stored to it.
    Origin,
}

impl Field {
    fn new(number: u64) -> Option<Self> {
        [Self::Offset, Self::State, Self::Origin]
            .get(number as usize)
            .copied()
    }
}

/// A question of a program in the guest. The answer is 0 unless the variant says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Answer the number of lines of `len` bytes at `address` that are not durable.
    Check { address: u64, len: u64 },
    /// Begin a scenario, whose name is in the `len` bytes at `address`, and reset the counts.
    Begin { address: u64, len: u64 },
    /// End the scenario, and write its counts to the report.
    End,
    /// The program's mapping has the file's byte `offset` at `address`.
    Locate { address: u64, offset: u64 },
    /// Begin a window.
    Start,
    /// End the window, and count its cost.
    Stop,
    /// Answer a field of a line that the last `Check` or `Memory` found.
    Lost { number: u64, field: Field },
    /// Pass a request to `crate::images`: that many words at `address`. Its answer is the answer.
    Images { address: u64, words: u64 },
    /// Answer the number of lines of ranges of physical memory that were stored to since the last
    /// `Begin` and are not durable. `address` has a pair of words for each range: first address,
    /// length.
    Memory { address: u64, ranges: u64 },
    /// Watch `len` bytes more of persistent memory, at the physical address `start`. The plugin has
    /// not seen earlier stores to it.
    Watch { start: u64, len: u64 },
    /// Ignore all fences from now on, or notice them again.
    Fences { noticed: bool },
}

impl Question {
    /// The question in the registers `%rdi`, `%rsi` and `%rdx`.
    pub fn new([what, address, len]: [u64; 3]) -> Option<Self> {
        match what {
            1 => Some(Self::Check { address, len }),
            2 => Some(Self::Begin { address, len }),
            3 => Some(Self::End),
            4 => Some(Self::Lost {
                number: address,
                field: Field::new(len)?,
            }),
            5 => Some(Self::Images {
                address,
                words: len,
            }),
            6 => Some(Self::Start),
            7 => Some(Self::Stop),
            8 => Some(Self::Locate {
                address,
                offset: len,
            }),
            9 => Some(Self::Memory {
                address,
                ranges: len,
            }),
            10 => Some(Self::Watch {
                start: address,
                len,
            }),
            11 => Some(Self::Fences {
                noticed: address != 0,
            }),
            _ => None,
        }
    }
}

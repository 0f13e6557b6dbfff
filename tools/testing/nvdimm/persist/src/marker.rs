// SPDX-License-Identifier: GPL-2.0

//! What a program in the guest asks of the plugin.
//!
//! The question is the instruction `nopl MAGIC(%rax)`, which does nothing on a CPU that nobody
//! watches. `%rdi` says what is asked and `%rsi`, `%rdx` of what; the answer is in `%rax`, which
//! keeps its value where there is no plugin. `../include/persist.h` is the same for C.

/// The displacement that makes a marker of a nop.
pub const MAGIC: u64 = 0x7061_7864;

/// The answer to a question about memory that is not mapped, not persistent, or of which nothing is
/// known. The report says more.
pub const NOT_THERE: u64 = u64::MAX;

/// What can be asked of a line that is not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Its distance from the address that was asked about; of the first line, 0. Of physical memory
    /// its address.
    Offset,
    /// 0: a byte of it is only in a cache; 1: all of it is on its way, without a fence.
    State,
    /// The address of the instruction that stored to it last.
    Origin,
}

impl Field {
    fn new(number: u64) -> Option<Self> {
        [Self::Offset, Self::State, Self::Origin]
            .get(number as usize)
            .copied()
    }
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// How many of the lines of `len` bytes at `address` are not durable?
    Check { address: u64, len: u64 },
    /// What follows goes by the name that is `len` bytes at `address`; counts begin at zero. The
    /// answer is 0.
    Begin { address: u64, len: u64 },
    /// Write down what was counted since the last `Begin`. The answer is 0.
    End,
    /// From now on the byte at `address` is that one of a file, and its neighbours are its
    /// neighbours there. The answer is 0.
    Locate { address: u64, offset: u64 },
    /// A window begins. The answer is 0.
    Start,
    /// The window ends: what it cost is counted. The answer is 0.
    Stop,
    /// A field of a line that the last `Check` or `Memory` found.
    Lost { number: u64, field: Field },
    /// What `crate::images` has a word for, in that many words at `address`.
    Images { address: u64, words: u64 },
    /// How many of the lines of physical memory that were stored to since the last `Begin` are not
    /// durable? At `address` there are so many pairs of words: a first address and a length.
    Memory { address: u64, ranges: u64 },
    /// There is persistent memory besides what the command line says: `len` bytes at the physical
    /// address `start`. What was stored there before was not seen. The answer is 0.
    Watch { start: u64, len: u64 },
    /// From now on no fence is noticed, as if they did nothing, or each is. The answer is 0.
    Fences { noticed: bool },
}

impl Question {
    /// What the registers `%rdi`, `%rsi` and `%rdx` ask.
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

// SPDX-License-Identifier: GPL-2.0

//! Writes wrong info blocks of namespaces on purpose: a changed field with a correct checksum.

use crate::{open, Args, Context, Result};
use std::os::unix::fs::FileExt;

const BLOCK: usize = 4096;
/// The offset of the checksum, the last word of an info block, which counts as zero in the sum.
const CHECKSUM: usize = BLOCK - 8;

/// The checksum of libnvdimm: Fletcher, 64 bits, over little-endian words of 32 bits.
fn fletcher64(block: &[u8]) -> u64 {
    let (mut low, mut high) = (0u32, 0u64);
    for word in block.chunks_exact(4) {
        low = low.wrapping_add(u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        high = high.wrapping_add(u64::from(low));
    }
    (high << 32) | u64::from(low)
}

/// Writes `--bytes` (hexadecimal) at `--field` of the block at `--off`; `--sum right` updates the
/// checksum, `--sum keep` leaves the old one.
pub fn forge(args: &Args) -> Result {
    let path = args.word(0)?;
    let (off, field) = (args.number("off", 4096)?, args.number("field", 0)? as usize);
    let hex = args.text("bytes", "");
    let file = open(path, false, 0)?;
    let mut block = [0; BLOCK];
    file.read_exact_at(&mut block, off).of(path)?;
    for at in (0..hex.len()).step_by(2) {
        let byte = hex
            .get(at..at + 2)
            .ok_or("--bytes: an odd number of digits")?;
        let place = block
            .get_mut(field + at / 2)
            .ok_or("--field: outside of the block")?;
        *place = u8::from_str_radix(byte, 16).of("--bytes")?;
    }
    match args.text("sum", "right") {
        "right" => {
            block[CHECKSUM..].fill(0);
            let sum = fletcher64(&block);
            block[CHECKSUM..].copy_from_slice(&sum.to_le_bytes());
        }
        "keep" => {}
        other => return Err(format!("--sum {other}: right or keep")),
    }
    file.write_all_at(&block, off).of(path)?;
    file.sync_all().of(path)
}

// SPDX-License-Identifier: GPL-2.0

//! Numbers and contents that derive from a seed, and a comparison that reports differences.

/// SplitMix64: a small generator, good enough to make the content depend on the offset.
pub struct Rng(u64);

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// Returns a number below `limit`, which must not be zero.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.word() % limit as u64) as usize
    }

    pub fn fill(&mut self, buf: &mut [u8]) {
        for chunk in buf.chunks_mut(8) {
            chunk.copy_from_slice(&self.word().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Fills `buf` with the content of `seed` at byte `off` of a file; `off` is a multiple of 8.
pub fn pattern(seed: u64, off: u64, buf: &mut [u8]) {
    assert!(off % 8 == 0, "patterns start at multiples of 8");
    Rng::new(mix(seed).wrapping_add((off / 8).wrapping_mul(STEP))).fill(buf);
}

/// Compares; the error has the offset of the first difference and the number of differing bytes.
pub fn compare(what: &str, base: u64, got: &[u8], want: &[u8]) -> Result<(), String> {
    if got == want {
        return Ok(());
    }
    if got.len() != want.len() {
        return Err(format!(
            "{what}: {} bytes instead of {}",
            got.len(),
            want.len()
        ));
    }
    let wrong = || {
        got.iter()
            .zip(want)
            .enumerate()
            .filter(|(_, (g, w))| g != w)
    };
    let (first, (g, w)) = wrong().next().unwrap_or((0, (&0, &0)));
    let last = wrong().last().map_or(first, |(i, _)| i);
    Err(format!(
        "{what}: {} of {} bytes wrong, first at {:#x} ({g:#04x} instead of {w:#04x}), last at {:#x}",
        wrong().count(),
        got.len(),
        base + first as u64,
        base + last as u64
    ))
}

/// FNV-1a, 64 bits.
pub struct Fnv(u64);

impl Fnv {
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub fn add(&mut self, data: &[u8]) {
        for byte in data {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub fn sum(&self) -> u64 {
        self.0
    }
}

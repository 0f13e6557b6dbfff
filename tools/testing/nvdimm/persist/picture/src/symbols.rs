// SPDX-License-Identifier: GPL-2.0

//! Names for addresses of code.

/// The functions of a kernel, by address.
pub struct Symbols(Vec<(u64, String)>);

impl Symbols {
    /// Parses a System.map; ignores lines that name no function.
    pub fn new(map: &str) -> Self {
        let function = |line: &str| {
            let mut words = line.split_whitespace();
            let address = u64::from_str_radix(words.next()?, 16).ok()?;
            let kind = words.next()?;
            "tTwW"
                .contains(kind)
                .then_some((address, words.next()?.to_string()))
        };
        let mut functions: Vec<_> = map.lines().filter_map(function).collect();
        functions.sort();
        Self(functions)
    }

    pub fn name(&self, address: u64) -> String {
        if address >> 63 == 0 {
            return format!("a program at {address:#x}");
        }
        let next = self.0.partition_point(|(start, _)| *start <= address);
        match next.checked_sub(1).map(|at| &self.0[at]) {
            // addresses behind the last symbol belong to modules
            Some((start, name)) if next < self.0.len() => format!("{name}+{:#x}", address - start),
            _ => format!("the kernel at {address:#x}"),
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn names() {
        let map = "ffffffff81000100 T b\nffffffff81000000 t a\nffffffff81000180 D data\n\
                   ffffffff81000200 T _etext\n";
        let symbols = Symbols::new(map);
        assert_eq!(symbols.name(0xffff_ffff_8100_0010), "a+0x10");
        assert_eq!(symbols.name(0xffff_ffff_8100_01f0), "b+0xf0");
        assert_eq!(
            symbols.name(0xffff_ffff_a000_0000),
            "the kernel at 0xffffffffa0000000"
        );
        assert_eq!(symbols.name(0x40_0000), "a program at 0x400000");
    }
}

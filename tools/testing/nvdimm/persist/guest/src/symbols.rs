// SPDX-License-Identifier: GPL-2.0

//! Names for addresses of code.

/// The kernel function at the address; or, for an address of a program, a text with the address.
pub fn name(address: u64) -> String {
    if address >> 63 == 0 {
        return format!("a program at {address:#x}");
    }
    let listed = std::fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    let functions = listed.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let start = u64::from_str_radix(words.next()?, 16).ok()?;
        let kind = words.next()?;
        (start <= address && "tTwW".contains(kind)).then_some((start, words.next()?))
    });
    match functions.max_by_key(|(start, _)| *start) {
        Some((start, name)) => format!("{name}+{:#x}", address - start),
        None => format!("the kernel at {address:#x}"),
    }
}

#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""doctests SOURCES: compiles each example in the documentation of rust/ (the crate kernel_ext).

As for the kernel's own doctests (scripts/rustdoc_test_builder.rs), rustdoc takes the examples out
of the comments and hands each to a test builder, which is this script again: it makes a kernel
crate of the example and compiles it with the flags of kernel_ext. The examples do not run.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from recorded import Recorded, copy_sources

# What an example may use without saying so: as in the kernel's doctests.
AROUND = """\
//! An example.
#![allow(dead_code, missing_docs, unreachable_pub)]
#[allow(dead_code)]
const __LOG_PREFIX: &[u8] = b"example\\0";
::kernel_ext::compat::built_in!(c"example");
/// Runs the example.
pub fn example() {
    #[allow(unused)]
    use ::kernel::prelude::*;
    {
%s
        main();
    }
}
"""
# The crate in vmlinux has no module that only drivers use, and the one in a module only these.
WITHIN = ("rust", "drivers/nvdimm/pmem")
FENCE = re.compile(r"^ *//[/!] ```(.*)$")
NO_RUST = {"text", "c", "sh", "console", "none"}
RAN = re.compile(r"^test (\S+) - .*\(line (\d+)\)( - compile)? \.\.\. (?!ignored)", re.MULTILINE)


def build_example():
    """Called by rustdoc, with the example as it would be for a program in standard input."""
    # rustdoc 1.85 does not qualify the Result that it adds: see the kernel's builder
    body = sys.stdin.read().replace("-> Result<(), impl core::fmt::Debug>",
                                    "-> core::result::Result<(), impl core::fmt::Debug>")
    kernel_ext = Recorded("kernel_ext", os.environ["EXAMPLE_OF"])
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "example.rs"
        file.write_text(AROUND % body)
        return subprocess.run(
            ["rustc", *kernel_ext.flags, *kernel_ext.search_kernel_ext(), "--crate-name", "example",
             "--emit=metadata", "-o", f"{directory}/example.rmeta", file],
            env={**os.environ, **kernel_ext.environment}, check=False).returncode


def examples(sources):
    """(file, line) of each block in the documentation that is not marked as another language."""
    found = set()
    for file in (Path(sources) / "rust").rglob("*.rs"):
        inside = False
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if fence := FENCE.search(line):
                inside = not inside
                if inside and fence[1].strip() not in NO_RUST:
                    found.add((str(file.relative_to(sources)), number))
    return found


def run(tree, within, files):
    """Has rustdoc compile the examples of these files; whether all is well, and what was compiled."""
    kernel_ext = Recorded("kernel_ext", within)
    # rustdoc --test does not know -Zcrate-attr; line 2 is empty
    root = tree / kernel_ext.root
    text = root.read_text()
    root.write_text(text.replace("\n", f"\n{kernel_ext.attributes()}", 1))
    said = subprocess.run(
        ["rustdoc", "--test", *kernel_ext.flags, *kernel_ext.search_kernel_ext(), "--no-run",
         "--crate-name", "kernel_ext", "--test-builder", Path(__file__).resolve(),
         *[f"--test-args={file}" for file in sorted(files)], root],
        env={**os.environ, **kernel_ext.environment, "EXAMPLE_OF": within},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    root.write_text(text)
    log = re.sub(rf"(/|(\.\./)*){str(tree)[1:]}/", "", said.stdout)
    print(log.strip())
    return said.returncode == 0, {(file, int(line)) for file, line, *_ in RAN.findall(log)}


def main(sources):
    """1 if an example does not compile, or is never compiled."""
    wanted, good = examples(sources), True
    if not wanted:
        print("there is no example")
        return 1
    with tempfile.TemporaryDirectory() as directory:
        copy_sources(sources, directory)
        for within in WITHIN:
            if wanted:
                well, compiled = run(Path(directory), within, {file for file, _ in wanted})
                good, wanted = good and well, wanted - compiled
    for file, line in sorted(wanted):
        print(f"{file}:{line}: this example is not compiled; make it one that is, or text (```text)")
    return 0 if good and not wanted else 1


if __name__ == "__main__":
    os.chdir("/build")
    sys.exit(build_example() if os.environ.get("EXAMPLE_OF") else main(sys.argv[1]))

#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""unsafe TREE: unsafe code and C's bindings stand only behind the walls that the design has.

A room of a component is safe Rust. What speaks to C is in a file or directory `abi`, which has
the C symbols, or `sys`, which has machinery over C, or in rust/. Tests may use both.
"""

import re
import sys
from pathlib import Path

import lexer

ROOTS = ("rust", "drivers", "fs")
BEHIND_WALLS = {"abi", "abi.rs", "sys", "sys.rs"}
TESTS = {"test", "test.rs", "tests.rs"}
FORBIDDEN = {
    re.compile(r"\bunsafe\b"): "unsafe code",
    re.compile(r"\bbindings\b"): "C's bindings",
}


def may_be_unsafe(path):
    """Whether the file PATH, from the top of the tree, is behind a wall."""
    parts = Path(path).parts
    return parts[0] == "rust" or bool((BEHIND_WALLS | TESTS) & set(parts))


def complaints(path, text):
    """What is wrong with the file PATH that has this TEXT."""
    if Path(path).name == "ffi.rs":
        yield f"{path}:1: a file is not named ffi.rs; name it after its concept, or abi.rs if it " \
            "has C symbols, or sys.rs if it is machinery over C"
    if may_be_unsafe(path):
        return
    for number, line in enumerate(lexer.blank(text).split("\n"), 1):
        for pattern, what in FORBIDDEN.items():
            if pattern.search(line):
                yield f"{path}:{number}: {what} in a file of safe Rust; move it to an abi or sys " \
                    "module of the component, or to rust/ if other subsystems would use it"


def main(tree):
    """1 if there is a complaint."""
    found = []
    files = [f for root in ROOTS for f in sorted((tree / root).rglob("*.rs"))]
    for file in files:
        if not file.name.endswith("_generated.rs"):
            found += complaints(str(file.relative_to(tree)), file.read_text())
    if not files:
        found.append(f"there is no Rust in {tree}")
    print("\n".join(found) if found else f"{len(files)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

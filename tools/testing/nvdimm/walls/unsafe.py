#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""unsafe TREE: unsafe code and C's bindings stand only behind the walls that the design has.

A room of a component is safe Rust. What speaks to C is in a file or directory `abi`, which has
the C symbols, or `sys`, which has machinery over C, or in rust/. Tests may use both.
"""

import re
import sys
from pathlib import Path

ROOTS = ("rust", "drivers", "fs")
ALLOWED = {"abi", "abi.rs", "sys", "sys.rs", "test", "test.rs", "tests.rs"}
FORBIDDEN = {"unsafe": "unsafe code", "bindings": "C's bindings"}
# What is no code, in the order in which it is tried. A quote that begins no character is that of a lifetime.
NO_CODE = re.compile(r"""
    //[^\n]*
    | (?P<block>/\*)
    | \b[bc]?r(?P<hashes>\#*)"(?:(?!"(?P=hashes)).|\n)*"(?P=hashes)
    | "(?:\\.|[^"\\]|\\\n)*"
    | '(?:\\(?:x..|u\{[^}]*\}|.)|[^\\'\n])'
    """, re.VERBOSE | re.DOTALL)


def code(text):
    """TEXT without its comments, strings and characters; the lines stay."""
    parts, at = [], 0
    while found := NO_CODE.search(text, at):
        end = found.end()
        if found["block"]:
            end = block_comment_end(text, end)
        parts += [text[at:found.start()], " " + "\n" * text.count("\n", found.start(), end)]
        at = end
    return "".join([*parts, text[at:]])


def block_comment_end(text, at):
    """Block comments nest."""
    depth = 1
    for mark in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return at + mark.end()
    return len(text)


def complaints(path, text):
    """What is wrong with the file PATH, from the top of the tree, that has this TEXT."""
    if path.name == "ffi.rs":
        yield f"{path}:1: a file is not named ffi.rs; name it after its concept, or abi.rs if it " \
            "has C symbols, or sys.rs if it is machinery over C"
    if path.parts[0] == "rust" or ALLOWED & set(path.parts):
        return
    for number, line in enumerate(code(text).split("\n"), 1):
        for word in re.findall(r"\b(unsafe|bindings)\b", line):
            yield f"{path}:{number}: {FORBIDDEN[word]} in a file of safe Rust; move it to an abi or sys " \
                "module of the component, or to rust/ if other subsystems would use it"


def main(tree):
    """1 if there is a complaint."""
    files = [file for root in ROOTS for file in sorted((tree / root).rglob("*.rs"))
             if not file.name.endswith("_generated.rs")]
    found = []
    for file in files:
        found += complaints(file.relative_to(tree), file.read_text())
    if not files:
        found.append(f"there is no Rust in {tree}")
    print("\n".join(found) or f"{len(files)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

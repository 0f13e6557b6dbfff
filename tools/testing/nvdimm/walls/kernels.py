#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""kernels TREE LINUX...: what differs between kernels is decided in rust/, and in full view.

A --cfg=has_FEATURE of rust/Makefile may be asked for in rust/ only, the Makefile has to define it, and the
arm for kernels without it names the last of them. A C helper of rust/helpers whose name one of the kernels
LINUX has for its own is ambiguous in rust/bindings.rs, unless a `pub use helpers::{...}` there names it.
"""

import re
import sys
from pathlib import Path

from unsafe import code as code_of

CFG = re.compile(r"\bcfg(?:_attr|!)?\s*\((?:[^()]|\([^()]*\))*")
FEATURE = re.compile(r"\bhas_\w+")
DEFINED = re.compile(r"^[^#\n]*\$\(call has,(\w+),", re.MULTILINE)
HELPER = re.compile(r"\brust_(?:ext_)?helper_(\w+)\(")
CHOSEN = re.compile(r"\bpub use helpers::\{([^}]*)\}")
VERSION = re.compile(r"\b\d+\.\d+\b")


def asked(text):
    """(line, feature, whether its absence is meant) for each has_FEATURE in a cfg."""
    code = code_of(text)
    for cfg in CFG.finditer(code):
        for feature in FEATURE.finditer(cfg[0]):
            line = code.count("\n", 0, cfg.start() + feature.start()) + 1
            yield line, feature[0], "not" in cfg[0][:feature.start()]


def explained(text, line):
    """Whether one of the comments and attributes directly above a line names a kernel."""
    for above in reversed(text.splitlines()[:line - 1]):
        if not above.strip().startswith(("//", "#[")):
            return False
        if VERSION.search(above):
            return True
    return False


def features(tree):
    """What is wrong with the uses of has_FEATURE."""
    defined = {f"has_{name}" for name in DEFINED.findall((tree / "rust/Makefile").read_text())}
    used = set()
    for file in sorted(file for top in ("rust", "drivers", "fs") for file in (tree / top).rglob("*.rs")):
        name, text = file.relative_to(tree), file.read_text()
        for line, feature, absent in asked(text):
            used.add(feature)
            if name.parts[0] != "rust":
                yield f"{name}:{line}: {feature} outside of rust/; write for the newest kernel, and let " \
                    "rust/compat.rs or the wrapper of the C header hide the difference"
            elif feature not in defined:
                yield f"{name}:{line}: rust/Makefile never defines {feature}"
            elif absent and not explained(text, line):
                yield f"{name}:{line}: no comment says with which kernel the arm without {feature} goes away"
    for feature in sorted(defined - used):
        yield f"rust/Makefile: no code asks for {feature}"


def helpers(directory):
    """The names of the C helpers below a directory."""
    files = (file for ending in ("*.c", "*.h") for file in directory.rglob(ending))
    return {name for file in files for name in HELPER.findall(file.read_text())}


def collisions(tree, linux):
    """The helpers that the kernel has too and that no explicit use chooses."""
    chosen = {name for names in CHOSEN.findall(code_of((tree / "rust/bindings.rs").read_text()))
              for name in re.findall(r"\w+", names)}
    theirs = helpers(linux / "rust/helpers")
    if not theirs:
        yield f"{linux}: no helper found in rust/helpers"
    for name in sorted(helpers(tree / "rust/helpers") & theirs - chosen):
        yield f"rust/bindings.rs: {linux.name} has a helper {name} too; choose one: pub use helpers::{{{name}}}"


def main(tree, *kernels):
    """1 if there is a complaint."""
    found = [*features(tree), *(line for linux in kernels for line in collisions(tree, linux))]
    print("\n".join(found) if found else f"{len(kernels)} kernels")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))

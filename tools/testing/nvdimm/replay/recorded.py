# SPDX-License-Identifier: GPL-2.0
"""The rustc commands that a kernel build has recorded, for tools that run them again.

Kbuild writes the command of each object into a file .NAME.o.cmd. A tool takes the command of a
crate from there, so that it sees the crate with the kernel's flags, configuration and metadata.
"""

import shlex
import shutil
import sys
from pathlib import Path

BUILD = Path("/build")
OBJECTS = BUILD / "rust-dax"
BINDINGS = OBJECTS / "rust/bindings"

# The root file of each crate, from the top of this tree.
ROOTS = {
    "kernel_ext": "rust/kernel_ext.rs",
    "dax_core": "drivers/dax/dax_core.rs",
    "fs_dax": "fs/dax/fs_dax.rs",
    "nd_pmem": "drivers/nvdimm/pmem/nd_pmem.rs",
    "nd_e820": "drivers/nvdimm/e820/nd_e820.rs",
}


class Recorded:
    """The recorded command of the crate NAME; each module has a kernel_ext of its own, WITHIN its directory.
    The tool ends if the build has not recorded it."""

    def __init__(self, name, within=None):
        self.name = name
        self.root = ROOTS[name]
        self.objects = OBJECTS / (within or Path(self.root).parent)
        file = self.objects / f".{name}.o.cmd"
        try:
            line = file.read_text().partition("\n")[0]
        except FileNotFoundError:
            sys.exit(f"{file}: the lane integrated is not built; run make check T=lint/doctests")
        words = shlex.split(line.partition(" := ")[2].partition(" ;")[0])
        if "rustc" not in words:
            sys.exit(f"{file}: there is no rustc command in it")
        at = words.index("rustc")
        self.environment = dict(word.split("=", 1) for word in words[:at])
        self.environment |= {"RUSTC_BOOTSTRAP": "1", "KERNEL_EXT_BINDINGS": str(BINDINGS)}
        self.flags = list(without_outputs(words[at + 1:-1]))

    def attributes(self):
        """The attributes of the crate that are flags, as source."""
        given = [f.split("=", 1)[1] for f in self.flags if f.startswith("-Zcrate-attr=")]
        return "".join(f"#![{attribute}] " for attribute in given)

    def search_kernel_ext(self):
        """Flags for a crate that uses this one, which is kernel_ext."""
        return ["-L", str(self.objects), "--extern", "kernel_ext"]


def without_outputs(flags):
    """The flags but for those that name what rustc writes."""
    flags = iter(flags)
    for flag in flags:
        if flag == "--out-dir":
            next(flags)
        elif not flag.startswith(("--emit=", "--out-dir=")):
            yield flag


def copy_sources(sources, to):
    """Copies the Rust of the product from SOURCES."""
    for part in ("rust", "drivers", "fs"):
        shutil.copytree(Path(sources) / part, Path(to) / part)

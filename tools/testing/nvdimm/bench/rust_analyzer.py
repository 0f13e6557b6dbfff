# SPDX-License-Identifier: GPL-2.0
"""The command rust_analyzer: write rust-project.json for the kernel of the lane integrated."""

import subprocess

from bench import kernel
from bench.paths import CACHE, CHECKOUT, LINUX, on_host
from bench.progress import Failed

OBJECTS = CACHE / "build/lane-integrated"
# The lane's kernel has this tree linked in. As an external module it writes outside of the tree.
MADE = CACHE / "build/rust-analyzer"


def make(tree=None):
    """Make it in TREE, a copy of the checkout, or in the checkout."""
    MADE.mkdir(exist_ok=True)
    make_it = ["make", "-s", "-C", LINUX, "LLVM=1", "O=/build", "M=/rust-dax", f"MO={MADE}", "rust-analyzer"]
    outside = {"/rust-dax": CHECKOUT, "/build": OBJECTS, "/cache": CACHE, "/usr": CACHE / "trixie/usr"}
    complete = [CHECKOUT / "tools/rust-project", MADE / "rust-project.json", "/build/rust-dax", "--",
                *(f"{name}={on_host(path)}" for name, path in outside.items())]
    for command in (make_it, complete):
        inside = kernel.inside(OBJECTS, command, tree)
        if subprocess.run(inside, stdout=subprocess.DEVNULL, check=False).returncode:
            raise Failed(f"{command[0]} failed")


def main(_arguments):
    """Make it."""
    kernel.build("integrated")
    make()
    print(on_host(CHECKOUT / "rust-project.json"))
    return 0

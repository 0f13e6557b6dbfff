# SPDX-License-Identifier: GPL-2.0
"""Lanes: kernels that differ in which components are Rust, or in how they are checked."""

from bench.paths import CACHE, CHECKOUT

DEFAULT = ("integrated", "ctwin", "fsdax", "stock", "core", "pmem", "lossy")
ALL = (*DEFAULT, "core+fsdax", "core+pmem", "fsdax+pmem", "debug", "kcsan", "cfi")
# "mutant" has sources that are broken on purpose; "other" is a kernel that was built elsewhere.
KNOWN = (*ALL, "mutant", "other")

# Lanes whose kernels recover the images of power cuts that the lane integrated makes.
RECOVERERS = ("ctwin",)

COMPONENTS = ("core", "fsdax", "pmem", "e820")
ALL_RUST = ("integrated", "debug", "kcsan", "cfi", "lossy", "mutant")

# How many times longer a script may take, and about how many times longer it takes.
PATIENCE = {"debug": 10, "kcsan": 30}
SLOWNESS = {"debug": 10, "kcsan": 2}


def directory(lane):
    """Where the kernel and the modules of a lane are once it is built."""
    return CACHE / "lane" / lane


def components(lane):
    """Which components are Rust and which C, as {"core": "rust", ...}. The provider e820 goes with pmem."""
    if lane == "other":
        try:
            words = (directory(lane) / "components").read_text().split()
        except FileNotFoundError:
            return dict.fromkeys(COMPONENTS, "c")
        return dict(word.split("=") for word in words)
    if lane in ALL_RUST:
        rust = {"core", "fsdax", "pmem"}
    else:
        rust = {"stock": {"pmem"}, "ctwin": set()}.get(lane, set(lane.split("+")))
    return {name: "rust" if ("pmem" if name == "e820" else name) in rust else "c" for name in COMPONENTS}


def all_rust(lane):
    """Whether each component is Rust, so that the lane's modules carry all KUnit suites."""
    return "c" not in components(lane).values()


def has_fixes(lane):
    """Whether the lane's kernel has the patches of tools/integrate/fixes. C as it is has none."""
    if lane != "other":
        return lane not in ("ctwin", "stock")
    try:
        lines = (directory(lane) / "config").read_text().splitlines()
    except FileNotFoundError:
        return False
    found = next((line for line in lines if line.startswith("CONFIG_RUST_DAX_FIXES=")), "")
    fixes = {file.stem for file in (CHECKOUT / "tools/integrate/fixes").glob("*.patch")}
    return fixes <= set(found.partition("=")[2].strip('"').split())

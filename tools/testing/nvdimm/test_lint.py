# SPDX-License-Identifier: GPL-2.0
"""Static properties of the tree."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bench import kernel, rust_analyzer
from bench.paths import CACHE, CHECKOUT, LINUX, NVDIMM, from_host, on_host

OBJECTS = CACHE / "build/lane-integrated"
STAGE = CACHE / "stage/integrated"
SOURCES = ("rust", "drivers", "fs", "tools")
SHOWN = 40

# EXPORT_SYMBOL: what the files exports.c export is written in Rust; CAMELCASE: names of the kernel
CHECKPATCH = "FILE_PATH_CHANGES,SPDX_LICENSE_TAG,CONST_STRUCT,EXPORT_SYMBOL,CAMELCASE"
# SC2010: ls and grep; SC2034: variables that the sourcing script uses; SC2046: lists of words
SHELLCHECK = "SC2010,SC2034,SC2046"


@pytest.fixture(name="passes")
def passes_or_fails(log):
    """passes(COMMAND...): the command has to succeed; its output goes to the test's log."""
    def run(*command, **options):
        with open(log, "ab") as file:
            status = subprocess.run([str(word) for word in command], stdout=file, stderr=subprocess.STDOUT,
                                    cwd=CHECKOUT, check=False, **{"input": b"", **options}).returncode
        if status:
            last = log.read_text(errors="replace").splitlines()[-SHOWN:]
            pytest.fail("\n".join([f"status {status}", *last]), pytrace=False)
    return run


def sources(*endings):
    """The files of the tree with these endings that are no product of a build."""
    return sorted(str(file.relative_to(CHECKOUT)) for top in SOURCES for file in (CHECKOUT / top).rglob("*")
                  if file.name.endswith(endings) and not file.name.endswith((".mod.c", "_generated.rs"))
                  and "target" not in file.parts)


def test_rustfmt(passes):
    passes("rustfmt", "--check", "--color", "never", "--edition", "2021", "--config-path", LINUX / ".rustfmt.toml",
           *sources(".rs"))


def test_checkpatch(passes):
    passes(LINUX / "scripts/checkpatch.pl", "--no-tree", "--file", "--strict", "--terse", "--show-types",
           "--ignore", CHECKPATCH, *sources(".c", ".h", ".S"))


def test_shellcheck(passes):
    scripts = [file for file in CHECKOUT.rglob("*") if file.is_file() and ".git" not in file.parts
               and (file.suffix == ".sh" or file.open("rb").read(12).startswith((b"#!/bin/sh", b"#!/bin/bash")))]
    passes("xargs", "-0", "-n", "8", "-P", os.cpu_count(), "shellcheck", "-x", "-S", "warning", "-e", SHELLCHECK,
           "-P", "SCRIPTDIR", "-P", CHECKOUT, input="\0".join(map(str, sorted(scripts))).encode())


def test_unsafe(passes):
    """Unsafe code and C's bindings are only behind the walls of the design."""
    passes(NVDIMM / "walls/unsafe.py", CHECKOUT)


def test_kernels(passes):
    """What differs between kernels is decided in rust/, and no helper has the name of one of the kernel's by chance."""
    passes(NVDIMM / "walls/kernels.py", CHECKOUT, LINUX)


# --- with the commands that the build of the lane integrated recorded -------------------------------

def recorded():
    """The rustc commands of this tree's objects."""
    for file in sorted((OBJECTS / "rust-dax").rglob(".*.o.cmd")):
        found = re.match(r"savedcmd_\S+ := (.*? rustc .*?\.rs) *(;|$)", file.read_text().partition("\n")[0])
        if found:
            yield found[1]


@pytest.mark.lanes("integrated")
def test_clippy(passes):
    commands = list(recorded())
    assert commands, "no recorded rustc command in the objects of the lane integrated"
    os.environ.update(RUSTC_BOOTSTRAP="1", KERNEL_EXT_BINDINGS="/build/rust-dax/rust/bindings",
                      CLIPPY_CONF_DIR=str(LINUX))
    for command in commands:
        command = re.sub(r" --(emit=|out-dir )\S+", "", command.replace(" rustc ", " clippy-driver ", 1))
        command += " --emit=metadata=/tmp/clippy.rmeta -Dwarnings -Dclippy::undocumented_unsafe_blocks"
        passes(*kernel.inside(OBJECTS, ["sh", "-c", f"cd /build && {command}"], STAGE))


@pytest.mark.lanes("integrated")
@pytest.mark.parametrize(
    "tool", ["walls/circles.py", "replay/doctests.py", "replay/rustdoc.py", "forge/forge.py"],
    ids=lambda tool: "lint/" + tool.partition("/")[2].removesuffix(".py"))
def test_replayed(passes, tool):
    """No file of a component uses one that uses it, the examples compile, the documentation has no broken
    link, and safe code cannot make what is evidence."""
    passes(*kernel.inside(OBJECTS, [NVDIMM / tool, STAGE]))


@pytest.mark.lanes("integrated")
def test_rust_analyzer(tmp_path):
    """rust-project.json has a crate for each object that the makefiles make of Rust, with what it uses."""
    tree = shutil.copytree(STAGE, tmp_path / "tree", symlinks=True)
    rust_analyzer.make(tree)
    crates = json.loads((tree / "rust-project.json").read_text())["crates"]
    ours = [crate for crate in crates if Path(crate["root_module"]).is_relative_to(on_host(CHECKOUT))]
    assert [crate["display_name"] for crate in ours] == [
        "kernel_ext", "dax_core", "fs_dax", "kernel_ext", "nd_pmem", "nd_e820"]
    for crate in ours:
        assert from_host(crate["root_module"]).is_file()
        assert all(crates[used["crate"]]["display_name"] == used["name"] for used in crate["deps"])
        if crate["display_name"] == "kernel_ext":
            assert from_host(crate["env"]["KERNEL_EXT_BINDINGS"]).is_dir()
    assert ["MODULE" in crate["cfg"] for crate in ours] == [False] * 3 + [True] * 3
    used = [crates.index(ours[number]) for number in (0, 0, 3, 3)]
    assert [crate["deps"][-1]["crate"] for crate in ours if crate["display_name"] != "kernel_ext"] == used
    makefiles = [tree / part / "Makefile" for part in ("rust", "drivers/dax", "drivers/nvdimm", "fs/dax")]
    stems = {stem for file in makefiles for stem in re.findall(r"(\w+)\.o\b", file.read_text())}
    assert {Path(crate["root_module"]).stem for crate in ours} == {
        file.stem for part in ("rust", "drivers", "fs") for file in (tree / part).rglob("*.rs")
        if file.stem in stems and "#[path" not in file.read_text()}

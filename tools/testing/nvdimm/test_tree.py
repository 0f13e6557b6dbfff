# SPDX-License-Identifier: GPL-2.0
"""tools/integrate: the tree goes into a kernel source and out again."""

import os
import re
import shutil
import subprocess

import pytest

from bench.paths import CACHE, CHECKOUT, LINUX

TOOLS = CHECKOUT / "tools/integrate"
FIXES = sorted((TOOLS / "fixes").glob("*.patch"))
RECORD = ".rust-dax-fixes"
# What integrate changes besides the files of its patches
CHANGED = ("Makefile", "drivers/dax/Makefile", "tools/testing/selftests/Makefile")


def run(tool, *arguments):
    """Run integrate or unintegrate; return whether it succeeded."""
    return subprocess.run([tool, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                          check=False).returncode == 0


def patched(directory):
    """The files that the patches below a directory change."""
    texts = (file.read_text() for file in directory.rglob("*.patch"))
    return {name for text in texts for name in re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE)}


def content(tree):
    """{path: text, or where a link leads} of all files of a tree."""
    return {str(path.relative_to(tree)): os.readlink(path) if path.is_symlink() else path.read_bytes()
            for path in sorted(tree.rglob("*")) if path.is_symlink() or path.is_file()}


@pytest.fixture(name="tree")
def kernel_tree(tmp_path):
    """The files of the kernel that integrate changes, as they are without it."""
    tree = tmp_path / "tree"
    by = CACHE / "src/integrated-by/tools/integrate"
    by = by if (by / "unintegrate").exists() else TOOLS
    for name in {*CHANGED, *patched(TOOLS), *patched(by)}:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(LINUX / name, tree / name)
    if (LINUX / RECORD).exists():
        shutil.copy(LINUX / RECORD, tree)
    run(by / "unintegrate", tree)
    return tree


def integrate(tree, *options):
    """Integrate twice: the second time changes nothing. Return the content."""
    assert run(TOOLS / "integrate", *options, tree)
    once = content(tree)
    assert run(TOOLS / "integrate", *options, tree) and content(tree) == once
    assert (tree / "rust-dax").is_symlink()
    return once


def refuses(tree, *options):
    """Whether integrate fails and changes nothing."""
    before = content(tree)
    return not run(TOOLS / "integrate", *options, tree) and content(tree) == before


def test_integrate(tree):
    before = content(tree)
    hooks = integrate(tree)
    assert RECORD not in hooks
    fixed = integrate(tree, "--fixes")
    assert sorted(fixed[RECORD].decode().split()) == [file.stem for file in FIXES]
    assert integrate(tree) == hooks and integrate(tree, "--fixes") == fixed
    assert run(TOOLS / "unintegrate", tree) and content(tree) == before


def test_fixes_from_elsewhere_stay(tree):
    for fix in FIXES:
        subprocess.run(["patch", "-d", tree, "-p1", "-s", "-i", fix], check=True)
    before = content(tree)
    assert run(TOOLS / "integrate", "--fixes", tree) and run(TOOLS / "unintegrate", tree)
    assert content(tree) == before


def test_what_does_not_fit_is_refused(tree):
    file = tree / re.search(r"^\+\+\+ b/(\S+)", FIXES[-1].read_text(), re.MULTILINE)[1]
    text = file.read_bytes()
    file.write_text("")
    assert refuses(tree, "--fixes")
    integrate(tree)
    file.write_bytes(text)
    assert run(TOOLS / "integrate", "--fixes", tree)
    file.write_text("")
    assert refuses(tree) and refuses(tree, "--fixes")
    file.write_bytes(text)
    makefile = tree / "Makefile"
    makefile.write_text(re.sub("^SUBLEVEL = .*", "SUBLEVEL = 99", makefile.read_text(), flags=re.MULTILINE))
    assert refuses(tree)

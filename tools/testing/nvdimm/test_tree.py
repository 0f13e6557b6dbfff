# SPDX-License-Identifier: GPL-2.0
"""tools/integrate: the tree goes into a kernel source and out again; which kernels it takes."""

import os
import re
import shutil
import subprocess

import pytest

from bench.paths import CACHE, CHECKOUT, LINUX

TOOLS = CHECKOUT / "tools/integrate"
FIXES = sorted((TOOLS / "fixes").glob("*.patch"))
OLDER = TOOLS / "fixes/older"
FOR = "rust-dax is for 7.2.y from 7.2.6 on and 7.3.y"
RECORD = ".rust-dax-fixes"
# What integrate changes besides the files of its patches
CHANGED = ("Makefile", "drivers/dax/Makefile", "tools/testing/selftests/Makefile")


def run(tool, *arguments, **environment):
    """Run integrate or unintegrate; return whether it succeeded."""
    return subprocess.run([tool, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                          env=os.environ | environment, check=False).returncode == 0


def form(fix, tree):
    """Which patch of a fix applies to the tree."""
    forms = [file for file in (fix, OLDER / fix.name) if file.exists()]
    return next(file for file in forms if subprocess.run(
        ["patch", "-d", tree, "-p1", "-s", "-f", "--dry-run", "-i", file], check=False,
        stdout=subprocess.DEVNULL).returncode == 0)


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


def refuses(tree, *options, **environment):
    """Whether integrate fails and changes nothing."""
    before = content(tree)
    return not run(TOOLS / "integrate", *options, tree, **environment) and content(tree) == before


def name_release(tree, release):
    """Let the tree be of another release."""
    makefile, text = tree / "Makefile", (tree / "Makefile").read_text()
    for name, number in zip(("VERSION", "PATCHLEVEL", "SUBLEVEL"), release.split(".")):
        text = re.sub(f"^{name} = .*", f"{name} = {number}", text, flags=re.MULTILINE)
    makefile.write_text(text)


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
        subprocess.run(["patch", "-d", tree, "-p1", "-s", "--no-backup-if-mismatch", "-i",
                        form(fix, tree)], check=True)
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


@pytest.mark.parametrize("release", ["7.2.6", "7.2.99", "7.3.0", "7.3.99"], ids="tree/takes/{}".format)
def test_releases_within_the_range(tree, release):
    name_release(tree, release)
    assert run(TOOLS / "integrate", tree)


@pytest.mark.parametrize("release", ["6.12.1", "7.2.5", "7.4.0", "7.20.7"], ids="tree/refuses/{}".format)
def test_releases_outside_of_the_range(tree, release):
    before = content(tree)
    name_release(tree, release)
    named = content(tree)
    assert refuses(tree) and refuses(tree, FORCE="0")
    assert run(TOOLS / "integrate", tree, FORCE="1")
    # what is in goes out of any kernel
    assert run(TOOLS / "unintegrate", tree) and content(tree) == named != before


@pytest.mark.parametrize("release, forced, status, said", [
    ("7.2.12", "", 0, "Linux 7.2.12: the whole check runs on it"),
    ("7.2.9", "", 0, "Linux 7.2.9: compiled, not run"),
    ("7.2.98", "", 0, "Linux 7.2.98: not tried"),
    ("7.2.5", "", 1, f"Linux 7.2.5: {FOR}; FORCE=1 tries it all the same"),
    ("7.4.0", "1", 0, f"warning: Linux 7.4.0: not tried; {FOR}"),
], ids=[f"tree/tested/{release}" for release in ("7.2.12", "7.2.9", "7.2.98", "7.2.5", "7.4.0")])
def test_how_far_it_was_tested(tmp_path, release, forced, status, said):
    shutil.copy(TOOLS / "kernel-range", tmp_path)
    (tmp_path / "kernels").write_text(
        "# compiled 7.2.98\nfrom 7.2.6\ncompiled 7.2.9\nchecked 7.2.12\nfrom 7.3.0\nuntried 7.3.1\n")
    done = subprocess.run([tmp_path / "kernel-range", release], check=False, text=True, capture_output=True,
                          env=os.environ | {"FORCE": forced})
    assert (done.returncode, done.stdout + done.stderr) == (status, f"{said}\n")
    # Kbuild takes what is on standard output for consent
    assert bool(done.stdout) == (status == 0)

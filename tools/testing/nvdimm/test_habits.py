# SPDX-License-Identifier: GPL-2.0
"""Tests that the files around the code are true: MAINTAINERS, LICENSES, .editorconfig, CI, CONTRIBUTING.

They look at a copy of the checkout that has what a commit of it would have, so that objects and the
leftovers of editors do not count.
"""

import os
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import editorconfig
import pytest

CHECKOUT = Path(os.environ.get("RUST_DAX_CHECKOUT", "/rust-dax"))
LINUX = Path(os.environ.get("RUST_DAX_LINUX", "/cache/src/linux"))
# What get_maintainer.pl takes for the top of a kernel tree has these too.
KERNEL_TREE = ["CREDITS", "README", "arch/", "init/", "ipc/", "kernel/", "lib/", "scripts/"]
HEADER = re.compile(r"SPDX-License-Identifier: GPL-2\.0(-only)?( \*/| -->)?$", re.MULTILINE)
FILE_PATTERN = re.compile(r"^F:\t(.*)$", re.MULTILINE)
CI = (".github/workflows/check.yml", ".gitlab-ci.yml")


def output_of(*command, cwd):
    """What the command writes. It has to succeed."""
    said = subprocess.run(command, cwd=cwd, text=True, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert said.returncode == 0, said.stdout
    return said.stdout


@pytest.fixture(scope="module", name="names")
def names_of_files(tmp_path_factory):
    """The files that git would commit, whatever repository the checkout belongs to, or none."""
    empty = tmp_path_factory.mktemp("empty")
    output_of("git", "init", "-q", "--bare", empty, cwd=empty)
    listed = output_of("git", f"--git-dir={empty}", f"--work-tree={CHECKOUT}", "-c", "core.quotePath=off",
                       "ls-files", "--others", "--exclude-standard", cwd=CHECKOUT)
    assert "MAINTAINERS" in listed
    return listed.splitlines()


@pytest.fixture(scope="module", name="tree")
def copy_of_files(names, tmp_path_factory):
    """A git tree of these files."""
    tree = tmp_path_factory.mktemp("tree")
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, tree / name)
    output_of("git", "init", "-q", cwd=tree)
    output_of("git", "add", "-A", cwd=tree)
    return tree


@pytest.fixture(scope="module", name="kernel_tree")
def tree_that_looks_like_a_kernel(tree):
    """The same with the names by which get_maintainer.pl knows a kernel tree; git does not have them."""
    for name in KERNEL_TREE:
        if name.endswith("/"):
            (tree / name).mkdir(exist_ok=True)
        else:
            (tree / name).touch()
    return tree


def get_maintainer(tree, *arguments):
    """What the kernel's get_maintainer.pl says of the tree."""
    return output_of("perl", LINUX / "scripts/get_maintainer.pl", *arguments, cwd=tree)


# --- MAINTAINERS ------------------------------------------------------------------------------


def sections():
    """(title, lines) of each section of MAINTAINERS."""
    text = (CHECKOUT / "MAINTAINERS").read_text().partition(".. note::")[2]
    for block in text.split("\n\n")[1:]:
        title, _, lines = block.partition("\n")
        yield title, lines


def covers(pattern, name):
    """Whether an F: line has the file, as the kernel's MAINTAINERS describes it."""
    if pattern.endswith("/"):
        return name.startswith(pattern)
    return fnmatch(name, pattern) and name.count("/") == pattern.count("/")


def test_every_file_has_a_section(names):
    patterns = [pattern for _, lines in sections() for pattern in FILE_PATTERN.findall(lines)]
    assert patterns
    assert [name for name in names if not any(covers(p, name) for p in patterns)] == []


def test_get_maintainer_finds_each_section(names, kernel_tree):
    for title, lines in sections():
        pattern = FILE_PATTERN.search(lines)[1]
        name = next(name for name in names if covers(pattern, name))
        said = get_maintainer(kernel_tree, "--no-git", "--no-git-fallback", "--subsystem", "-f", name)
        assert title in said.splitlines(), f"{name}: {said}"
        assert "maintainer:" in said, f"{name}: {said}"


def test_maintainers_has_the_kernels_form(kernel_tree):
    assert get_maintainer(kernel_tree, "--self-test=sections,patterns") == ""


def test_maintainers_is_sorted(tree, tmp_path):
    output_of("perl", LINUX / "scripts/parse-maintainers.pl", "--order", f"--input={tree / 'MAINTAINERS'}",
              f"--output={tmp_path / 'sorted'}", f"--section={tmp_path / 'section'}", cwd=tmp_path)
    assert (tree / "MAINTAINERS").read_text() == (tmp_path / "sorted").read_text()


def test_the_kernel_knows_the_lists():
    known = (LINUX / "MAINTAINERS").read_text()
    mine = {address for _, lines in sections() for address in re.findall(r"^L:\t(.*)$", lines, re.MULTILINE)}
    assert [address for address in mine if f"L:\t{address}\n" not in known] == []


# --- licences ---------------------------------------------------------------------------------


def test_reuse(tree):
    output_of("reuse", "--root", tree, "lint", cwd=tree)


def headerless():
    """The patterns of files without a header: all that REUSE.toml speaks of but "**"."""
    for entry in tomllib.loads((CHECKOUT / "REUSE.toml").read_text())["annotations"]:
        paths = entry["path"]
        yield from (path for path in ([paths] if isinstance(paths, str) else paths) if path != "**")


def test_every_other_file_has_a_header(names):
    patterns = [pattern.replace("**/", "*").replace("**", "*") for pattern in headerless()]
    lacking = [name for name in names
               if not HEADER.search("\n".join((CHECKOUT / name).read_text().splitlines()[:3]))]
    assert [name for name in lacking if not any(fnmatch(name, pattern) for pattern in patterns)] == []


def test_the_licence_is_the_kernels(tree):
    text = (tree / "LICENSES/GPL-2.0-only.txt").read_text()
    assert (tree / "COPYING").read_text().endswith(f"License-Text:\n\n{text}")
    assert (LINUX / "LICENSES/preferred/GPL-2.0").read_text() == (tree / "COPYING").read_text()


# --- .editorconfig ----------------------------------------------------------------------------


def complaints(name, text, rules):
    """What of the text is not as the rules of .editorconfig demand."""
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield f"{name}: it does not end with one newline"
    for number, line in enumerate(text.split("\n"), 1):
        if "\r" in line:
            yield f"{name}:{number}: carriage return"
        if rules.get("trim_trailing_whitespace") == "true" and line != line.rstrip():
            yield f"{name}:{number}: blank at the end"
        # less than a tab is alignment: the stars of a comment, the arrows of a picture
        if rules.get("indent_style") == "tab" and line.startswith(" " * 8):
            yield f"{name}:{number}: eight blanks in place of a tab"
        if rules.get("indent_style") == "space" and line.startswith("\t"):
            yield f"{name}:{number}: a tab in place of blanks"


def test_editorconfig(names, tree):
    found = []
    for name in names:
        rules = editorconfig.get_properties(str(tree / name))
        found += complaints(name, (tree / name).read_bytes().decode(rules["charset"]), rules)
    assert found == []


def test_editorconfig_notices():
    tab, space = {"indent_style": "tab"}, {"indent_style": "space", "trim_trailing_whitespace": "true"}
    assert list(complaints("a", "int a;\n\tint b;\n * c\n", tab)) == []
    for text, rules in (("a", tab), ("a\n\n", tab), ("a\r\n", tab), ("        a\n", tab), ("\ta\n", space),
                        ("a \n", space)):
        assert list(complaints("a", text, rules)), repr(text)


# --- continuous integration, documents --------------------------------------------------------


@pytest.mark.parametrize("name", CI, ids="habits/yaml/{}".format)
def test_ci_is_yaml(name, tree):
    output_of("yamllint", "--strict", "-d",
              "{extends: default, rules: {line-length: {max: 110}, truthy: {check-keys: false}, "
              "document-start: disable}}", name, cwd=tree)


@pytest.mark.parametrize("name", CI, ids="habits/command/{}".format)
def test_ci_runs_the_readmes_command(name):
    assert re.search("^ *(- )?make check$", (CHECKOUT / name).read_text(), re.MULTILINE)
    assert "    make check" in (CHECKOUT / "README.md").read_text().splitlines()


def test_contributing_names_what_exists(names):
    places = {directory + "/" for name in names for directory in map(str, Path(name).parents)}
    for document in ("CONTRIBUTING.md", "README.md"):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", (CHECKOUT / document).read_text()):
            assert link in names or link in places, f"{document}: {link}"
    table = re.findall(r"^\| `([^`]+)` \|", (CHECKOUT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert table
    for place in table:
        assert any(fnmatch(name, place) for name in names) or place in places, f"CONTRIBUTING.md: {place}"

# SPDX-License-Identifier: GPL-2.0
"""Tests what reads recorded commands and examples, over canned ones."""

import doctests
import pytest
import recorded
import rustdoc

COMMAND = """savedcmd_a.o := OBJTREE=/build rustc --edition=2021 @./cfg --emit=metadata=a.rmeta \
-Zcrate-attr=no_std -Zcrate-attr='feature(a,b)' --out-dir a/ --emit=dep-info=a.d /src/a.rs ;llvm-link a.bc

source_a.o := /src/a.rs
"""
DOCUMENTED = """//! ```
//! f();
//! ```
/// ```text
/// no code
/// ```
///
/// ```ignore
/// g();
/// ```
    /// ```
    /// h();
    /// ```
// ```
"""


def made(directory, text, within="rust"):
    """The recorded command of kernel_ext."""
    recorded.OBJECTS = directory
    (directory / within).mkdir(parents=True, exist_ok=True)
    (directory / within / ".kernel_ext.o.cmd").write_text(text)


def test_a_command(tmp_path):
    made(tmp_path, COMMAND)
    command = recorded.Recorded("kernel_ext")
    assert command.flags == ["--edition=2021", "@./cfg", "-Zcrate-attr=no_std", "-Zcrate-attr=feature(a,b)"]
    assert command.environment["OBJTREE"] == "/build"
    assert command.attributes() == "#![no_std] #![feature(a,b)] "


def test_the_crate_of_a_module(tmp_path):
    made(tmp_path, COMMAND, "drivers/x")
    command = recorded.Recorded("kernel_ext", "drivers/x")
    assert command.search_kernel_ext() == ["-L", f"{tmp_path}/drivers/x", "--extern", "kernel_ext"]


def test_no_command(tmp_path):
    for text in (None, "", COMMAND.replace("rustc", "clang")):
        if text is not None:
            made(tmp_path, text)
        recorded.OBJECTS = tmp_path
        with pytest.raises(SystemExit):
            recorded.Recorded("kernel_ext")


def test_the_examples(tmp_path):
    (tmp_path / "rust/a").mkdir(parents=True)
    (tmp_path / "rust/a/b.rs").write_text(DOCUMENTED)
    assert doctests.examples(tmp_path) == {("rust/a/b.rs", 1), ("rust/a/b.rs", 8), ("rust/a/b.rs", 11)}


def test_what_rustdoc_says_of_them():
    said = """test rust/a.rs - a::A (line 1) - compile ... ok
test rust/a.rs - a::A::f (line 9) ... ignored
test rust/b.rs - b (line 3) - compile ... FAILED
"""
    assert [(file, line) for file, line, *_ in doctests.RAN.findall(said)] == [
        ("rust/a.rs", "1"), ("rust/b.rs", "3")]


def test_links_to_the_source(tmp_path):
    rustdoc.KERNEL = tmp_path
    (tmp_path / "include").mkdir()
    (tmp_path / "include/a.h").touch()
    page = tmp_path / "a.html"
    page.write_text('<a href="srctree/include/a.h#L3">a</a> <a href="srctree/b.h">b</a> <a href="c">c</a>')
    assert list(rustdoc.lead_to_source(tmp_path, "/src")) == ["b.h"]
    assert page.read_text() == \
        '<a href="/src/include/a.h#L3">a</a> <a href="/src/b.h">b</a> <a href="c">c</a>'

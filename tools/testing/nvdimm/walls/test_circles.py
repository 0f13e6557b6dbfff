# SPDX-License-Identifier: GPL-2.0
"""Which uses of items make a circle of files."""

import circles
import pytest
from test_unsafe import made

TWO = "mod a;\nmod b;\n"
A = "pub(crate) struct A;\n"
# b.rs uses a.rs
B = "use crate::a::A;\npub(crate) struct B(A);\nimpl B {\n    const LEN: usize = 1;\n}\n"
MACRO = "#[macro_export]\nmacro_rules! m {\n    () => { $crate::b::B::LEN };\n}\n"


def report(directory, root, **files):
    """What is said of a crate of these files: a_b is a/b.rs."""
    tree = {f"{name.replace('_', '/')}.rs": text for name, text in files.items()}
    made(directory, {"lib.rs": root} | tree)
    hir = circles.resolved(directory / "lib.rs", ["--edition=2021", "--crate-type=lib", "-Awarnings"])
    return list(circles.report(directory, circles.graph(hir)))


def ways(directory, root, **files):
    """The circles of files."""
    return [line.rpartition(": ")[2] for line in report(directory, root, **files) if not line.startswith(" ")]


@pytest.mark.parametrize("use", [
    "use crate::b::B;\nfn f(_: B) {}", "fn f(_: crate::b::B) {}", "use super::b as c;\nfn f(_: c::B) {}",
    "use crate::b::*;\nfn f(_: B) {}", "fn f() -> usize { self::super::b::B::LEN }",
    "pub(crate) use crate::b::B;\nfn f(_: B) {}", "mod inner {\n    fn f(_: crate::b::B) {}\n}",
    "#[cfg(test)]\nmod tests {}\nfn f(_: crate::b::B) {}", MACRO, MACRO + "fn f() -> usize { m!() }",
])
def test_each_way_to_use(tmp_path, use):
    made_of = TWO + ("fn g() -> usize { m!() }" if use == MACRO else "")
    assert ways(tmp_path, made_of, a=A + use, b=B) in (["a.rs -> b.rs -> a.rs"], ["b.rs -> a.rs -> b.rs"])


@pytest.mark.parametrize("text", [
    "fn f() {}", "use crate::b;", "use crate::b::B;", "// crate::b::B", 'fn f() { "crate::b::B"; }',
    "#[cfg(test)]\nfn f(_: crate::b::B) {}", "mod tests {\n    fn f(_: crate::b::B) {}\n}",
])
def test_what_is_no_use(tmp_path, text):
    assert ways(tmp_path, TWO, a=A + text, b=B) == []


def test_parents_and_children(tmp_path):
    child = "use super::P;\npub(crate) struct C(P);\n"
    assert ways(tmp_path, "mod p;", p="mod c;\npub(crate) use c::C;\npub(crate) struct P;\n", p_c=child) == []
    assert ways(tmp_path, "mod p;", p="mod c;\nfn f(_: c::C) {}\npub(crate) struct P;\n", p_c=child) != []


def test_re_exports_lead_to_the_definition(tmp_path):
    # b uses what p only hands on
    [way] = ways(tmp_path, "mod p;\nmod b;\n", b="use crate::p::A;\npub(crate) struct B(A);\n",
                 p="mod a;\npub(crate) use a::*;\n", p_a="pub(crate) struct A(crate::b::B);\n")
    assert way in ("b.rs -> p/a.rs -> b.rs", "p/a.rs -> b.rs -> p/a.rs")


def test_what_a_macro_makes_is_in_the_file_that_calls_it(tmp_path):
    macro = "macro_rules! m {\n    () => {{ const N: usize = 1; N }};\n}\n"
    call = "fn f() -> usize { m!() }\n"
    assert ways(tmp_path, "#[macro_use]\nmod b;\nmod a;\n", a=A + call, b=macro) == []
    assert len(ways(tmp_path, "#[macro_use]\nmod b;\nmod a;\n", a=A + call, b=macro + B)) == 1


def test_long_circles(tmp_path):
    [way] = ways(tmp_path, "mod a;\nmod b;\nmod c;\nmod d;\n", a="pub(crate) struct A(crate::b::B);\n",
                 b="pub(crate) struct B(crate::c::C);\n", c="pub(crate) struct C(crate::a::A);\n",
                 d="fn d(_: crate::a::A) {}\n")
    assert way in "a.rs -> b.rs -> c.rs -> a.rs -> b.rs -> c.rs" and way.count("->") == 3


def test_the_module_of_a_driver(tmp_path):
    assert ways(tmp_path, "mod a;\nstatic THIS_MODULE: u8 = 0;\nfn f(_: a::A) -> u8 { THIS_MODULE }\n",
                a="pub(crate) struct A;\nfn f() -> u8 { crate::THIS_MODULE }\n") == []


def test_the_lines_are_named(tmp_path):
    said = report(tmp_path, TWO, a=A + "fn f(_: crate::b::B) {}\n", b=B)
    assert set(said[1:]) == {f"    {tmp_path}/a.rs:2: fn f(_: crate::b::B) {{}}   [b.rs]",
                             f"    {tmp_path}/b.rs:2: pub(crate) struct B(A);   [a.rs]"}


def test_a_file_without_a_module(tmp_path):
    made(tmp_path, {"a.rs": "", "slot/test.rs": "", "slot/test/b.rs": ""})
    [said] = report(tmp_path, "struct Root;")
    assert said == f"{tmp_path}/a.rs: no module of the component declares this file"

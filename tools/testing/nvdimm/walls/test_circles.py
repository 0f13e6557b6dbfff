# SPDX-License-Identifier: GPL-2.0
"""Which uses of items make a circle of files."""

import subprocess

from test_unsafe import HERE, made, run

# The least that each component has.
OTHERS = {"rust/kernel_ext.rs": "", "drivers/dax/dax_core.rs": "", "fs/dax/fs_dax.rs": "",
          "drivers/nvdimm/pmem/nd_pmem.rs": "", "drivers/nvdimm/e820/nd_e820.rs": ""}
TWO = "mod a;\nmod b;\n"
# b.rs uses a.rs
B = "use crate::a::A;\npub(crate) struct B(A);\n"
A = "pub(crate) struct A;\n"


def found(directory, root, **files):
    """The circles of fs/dax, of which these are the files: a_b is a/b.rs."""
    tree = {f"fs/dax/{name.replace('_', '/')}.rs": text for name, text in files.items()}
    status, lines = run("circles", directory, OTHERS | tree | {"fs/dax/fs_dax.rs": root})
    ways = [line for line in lines if " -> " in line and not line.startswith(" ")]
    assert status == (1 if ways else 0)
    return ways


def circle(directory, a):
    """Whether there is one of a.rs, which has this text, and b.rs."""
    ways = found(directory, TWO, a=A + a, b=B)
    assert ways in ([], ["a.rs -> b.rs -> a.rs"])
    return bool(ways)


def test_no_circle(tmp_path):
    assert not circle(tmp_path, "fn f() {}\n")


def test_each_way_to_use(tmp_path):
    for use in ("use crate::b::B;", "use super::b::B;",
                "use super::{\n    b::{\n        self,\n        B, //\n    }, //\n};",
                "use crate::{b::B as C};", "use crate::b::*;\nfn f(_: B) {}", "fn f(_: crate::b::B) {}",
                "use crate::b;\nfn f(_: b::B) {}", "use super::b as c;\nfn f(_: c::B) {}",
                "fn f() { use crate::b::B; }", "fn f() -> usize { self::super::b::B::LEN }",
                "pub(crate) use crate::b::B;\nfn f(_: B) {}", "mod inner {\n    use crate::b::B;\n}",
                "#[cfg(not(test))]\nuse crate::b::B;", "#[cfg(CONFIG_X)]\nuse crate::b::B;",
                "macro_rules! m {\n    () => { $crate::b::B };\n}"):
        assert (use, circle(tmp_path, use)) == (use, True)


def test_what_is_no_use(tmp_path):
    for text in ("use crate::b;", "pub(crate) use crate::b::B;", "// crate::b::B\n",
                 "fn f() { \"crate::b::B\"; }",
                 "use kernel::b::B;", "use core::b::*;\nfn f(_: B) {}",
                 "pub(crate) use crate::b::B;\nfn f(x: X) { x.B(); }",
                 "#[cfg(test)]\nuse crate::b::B;\nfn f() {}",
                 "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}",
                 "#[kunit_tests(a)]\nmod tests {\n    use crate::b::B;\n}",
                 "#[cfg_attr(not(test), kernel::macros::kunit_tests(a))]\n#[cfg(any(test, CONFIG_KUNIT))]\n"
                 "mod tests {\n    use crate::b::B;\n}",
                 "struct C {\n    #[cfg(CONFIG_KUNIT = \"y\")]\n    b: crate::b::B,\n    c: u8,\n}"):
        assert (text, circle(tmp_path, text)) == (text, False)


def test_what_follows_a_test_counts(tmp_path):
    assert circle(tmp_path, "#[cfg(test)]\nmod tests {}\nuse crate::b::B;")
    assert circle(tmp_path, "#[cfg(test)]\nfn f<T, U>(x: [T; 2]) -> U {}\nuse crate::b::B;")
    assert circle(tmp_path, "#[cfg(test)]\nuse core::{a, b};\nuse crate::b::B;")


def test_parents_and_children(tmp_path):
    child = "use super::P;\npub(crate) struct C(P);\n"
    parent = "pub(crate) struct P;\n"
    assert found(tmp_path, "mod p;", p="mod c;\n" + parent, p_c=child) == []
    assert found(tmp_path, "mod p;", p="mod c;\npub(crate) use c::C;\n" + parent, p_c=child) == []
    assert found(tmp_path, "mod p;", p="mod c;\nuse c::C;\n" + parent, p_c=child) == [
        "p/c.rs -> p.rs -> p/c.rs"]
    assert found(tmp_path, "mod p;", p="mod c;\nfn f(_: c::C) {}\n" + parent, p_c=child) == [
        "p/c.rs -> p.rs -> p/c.rs"]
    assert found(tmp_path, "mod p;", p="mod c;\nfn f(_: c::C) {}\n" + parent,
               p_c="use super::*;\npub(crate) struct C(P);\n") == ["p/c.rs -> p.rs -> p/c.rs"]


def test_re_exports_lead_to_the_definition(tmp_path):
    # b uses what p only hands on
    assert found(tmp_path, "mod p;\nmod b;\n", b="use crate::p::A;\npub(crate) struct B(A);\n",
               p="mod a;\npub(crate) use a::A;\n", p_a="pub(crate) struct A(crate::b::B);\n") == [
        "b.rs -> p/a.rs -> b.rs"]
    assert found(tmp_path, "mod p;\nmod b;\n", b="use crate::p::A;\npub(crate) struct B(A);\n",
               p="mod a;\npub(crate) use a::*;\n", p_a="pub(crate) struct A(crate::b::B);\n") == [
        "b.rs -> p/a.rs -> b.rs"]


def test_siblings_by_way_of_their_parent(tmp_path):
    assert found(tmp_path, "mod p;", p="mod a;\nmod b;\nuse a::A;\nuse b::B;\n",
               p_a="use super::B;\npub(super) struct A(B);\n",
                 p_b="use super::A;\npub(super) struct B(A);\n") == [
        "p/a.rs -> p/b.rs -> p/a.rs"]


def test_what_a_macro_defines(tmp_path):
    assert circle(tmp_path, "fn f() { crate::b::made_by_macro(); }")
    assert found(tmp_path, "mod a;\nmod b;\n",
                 a="use crate::b::*;\npub(crate) struct A;\nfn f() { traced(); }\n",
               b=B + "declare! {\n    pub(crate) unsafe fn traced();\n}\n") == ["a.rs -> b.rs -> a.rs"]


def test_long_circles(tmp_path):
    assert found(tmp_path, "mod a;\nmod b;\nmod c;\nmod d;\n",
                 a="use crate::b::B;\npub(crate) struct A(B);\n",
               b="use crate::c::C;\npub(crate) struct B(C);\n",
                 c="use crate::a::A;\npub(crate) struct C(A);\n",
               d="use crate::a::A;\nfn d(_: A) {}\n") == ["a.rs -> b.rs -> c.rs -> a.rs"]


def test_the_module_of_a_driver(tmp_path):
    assert found(tmp_path, "mod a;\nmodule! { type: T }\nfn f(_: a::A) {}\n",
               a="use crate::THIS_MODULE;\npub(crate) struct A;\n") == []


def test_the_lines_are_named(tmp_path):
    tree = {"fs/dax/fs_dax.rs": TWO, "fs/dax/a.rs": A + "fn f(_: crate::b::B) {}\n", "fs/dax/b.rs": B}
    assert run("circles", tmp_path, OTHERS | tree)[1][1:] == [
        "a.rs -> b.rs -> a.rs",
        "    fs/dax/a.rs:2: fn f(_: crate::b::B) {}   [b.rs]",
        "    fs/dax/b.rs:1: use crate::a::A;   [a.rs]",
        "1 circles"]


def test_a_module_without_a_file(tmp_path):
    made(tmp_path, OTHERS | {"fs/dax/fs_dax.rs": "mod a;\n"})
    said = subprocess.run([HERE / "circles.py", tmp_path], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (1, f"{tmp_path}/fs/dax/fs_dax.rs: mod a has no file\n")


def test_a_file_without_a_module(tmp_path):
    tree = OTHERS | {"fs/dax/a.rs": "", "fs/dax/slot/test.rs": "", "fs/dax/slot/test/b.rs": ""}
    assert [line for line in run("circles", tmp_path, tree)[1] if ".rs:" in line] == [
        "fs/dax/a.rs: no module of the component declares this file"]

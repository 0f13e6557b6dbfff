# SPDX-License-Identifier: GPL-2.0
"""Which code has to be behind a wall."""

import re

import unsafe

SAFE = "//! No `unsafe`.\n\nfn f() {}\n"
UNSAFE = "fn f() {\n    unsafe { g() }\n}\n"
BINDINGS = "use kernel_ext::{\n    bindings,\n    units, //\n};\n"
NO_CODE = """//! unsafe
/* unsafe /* nested */ unsafe
bindings::x */
fn f<'a>(x: &'a str) -> char {
    let s = "unsafe \\" bindings::";
    let t = r#"unsafe " bindings::"#;
    let u = b"unsafe";
    let unsafely = rebindings(s, t, u); // bindings::x
    '"'
}
"""


def made(directory, files):
    """A tree of these files."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def places(directory, capsys, files):
    """FILE:LINE of each complaint about a tree of these files."""
    made(directory, files)
    status, said = unsafe.main(directory), capsys.readouterr().out
    assert status == (0 if re.fullmatch(r"\d+ files\n", said) else 1)
    return re.findall(r"^\S+:\d+(?=: )", said, re.MULTILINE)


def test_safe_rooms(tmp_path, capsys):
    assert not places(tmp_path, capsys, {"fs/dax/a.rs": SAFE, "drivers/dax/b/c.rs": NO_CODE})


def test_unsafe_code_in_safe_rooms(tmp_path, capsys):
    assert places(tmp_path, capsys, {"fs/dax/a.rs": NO_CODE + UNSAFE, "drivers/dax/b/c.rs": BINDINGS}) == [
        "drivers/dax/b/c.rs:2", "fs/dax/a.rs:12"]


def test_behind_walls(tmp_path, capsys):
    names = ["rust/a.rs", "rust/a/b.rs", "fs/dax/abi.rs", "fs/dax/abi/a.rs", "fs/dax/a/sys.rs",
             "drivers/dax/sys/a.rs", "drivers/dax/a/test.rs", "drivers/dax/tests.rs", "fs/dax/slot/test/a.rs"]
    assert not places(tmp_path, capsys, {name: UNSAFE + BINDINGS for name in names})


def test_names_that_only_look_so(tmp_path, capsys):
    names = ["drivers/rust/a.rs", "fs/dax/abi_of.rs", "fs/dax/system.rs", "fs/dax/testing/a.rs"]
    assert places(tmp_path, capsys, {name: UNSAFE for name in names}) == [f"{name}:2" for name in names]


def test_files_named_ffi(tmp_path, capsys):
    assert places(tmp_path, capsys, {"fs/dax/abi/ffi.rs": SAFE, "rust/ffi.rs": SAFE}) == [
        "rust/ffi.rs:1", "fs/dax/abi/ffi.rs:1"]


def test_an_empty_tree(tmp_path):
    assert unsafe.main(tmp_path) == 1

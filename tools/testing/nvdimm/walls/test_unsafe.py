# SPDX-License-Identifier: GPL-2.0
"""Which code has to be behind a wall."""

import subprocess
from pathlib import Path

import lexer

HERE = Path(__file__).resolve().parent
SAFE = "//! No `unsafe`.\n\nfn f() {}\n"
UNSAFE = "fn f() {\n    unsafe { g() }\n}\n"
BINDINGS = "use kernel_ext::{\n    bindings,\n    units, //\n};\n"


def made(directory, files):
    """A tree of these files."""
    for name, text in files.items():
        path = Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(tool, directory, files):
    """What TOOL says of a tree of these files, and its exit status."""
    made(directory, files)
    said = subprocess.run([HERE / f"{tool}.py", directory], capture_output=True, text=True, check=False)
    assert said.stderr == ""
    return said.returncode, said.stdout.splitlines()


def places(directory, files):
    """The exit status of unsafe, and file:line of each complaint."""
    status, lines = run("unsafe", directory, files)
    return status, [":".join(line.split(":")[:2]) for line in lines if status]


def test_unsafe_code_in_safe_rooms(tmp_path):
    assert places(tmp_path, {"fs/dax/a.rs": UNSAFE, "drivers/dax/b/c.rs": BINDINGS}) == \
        (1, ["drivers/dax/b/c.rs:2", "fs/dax/a.rs:2"])


def test_safe_rooms(tmp_path):
    assert places(tmp_path, {"fs/dax/a.rs": SAFE, "drivers/dax/b/c.rs": SAFE}) == (0, [])


def test_behind_walls(tmp_path):
    names = ["rust/a.rs", "rust/a/b.rs", "fs/dax/abi.rs", "fs/dax/abi/a.rs", "fs/dax/a/sys.rs",
             "drivers/dax/sys/a.rs", "drivers/dax/a/test.rs", "drivers/dax/tests.rs",
             "fs/dax/slot/test/a.rs"]
    assert places(tmp_path, {name: UNSAFE + BINDINGS for name in names}) == (0, [])


def test_names_that_only_look_so(tmp_path):
    names = ["fs/dax/system.rs", "fs/dax/abi_of.rs", "fs/dax/testing/a.rs", "drivers/rust/a.rs"]
    assert places(tmp_path, {name: UNSAFE for name in names}) == (1, sorted(f"{name}:2" for name in names))


def test_files_named_ffi(tmp_path):
    assert places(tmp_path, {"fs/dax/abi/ffi.rs": SAFE, "rust/ffi.rs": SAFE}) == \
        (1, ["rust/ffi.rs:1", "fs/dax/abi/ffi.rs:1"])


def test_words_that_are_no_code(tmp_path):
    text = """//! unsafe
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
    assert places(tmp_path, {"fs/dax/a.rs": text}) == (0, [])
    assert places(tmp_path, {"fs/dax/a.rs": text + UNSAFE}) == (1, ["fs/dax/a.rs:12"])


def test_an_empty_tree(tmp_path):
    assert places(tmp_path, {})[0] == 1


def test_lines_and_columns_stay():
    text = "a /* é\n*/ 'b' \"c\\\n\" d 'e: loop {}"
    assert [(t.text, t.line) for t in lexer.tokens(text)] == [
        ("a", 1), ("d", 3), ("'e", 3), (":", 3), ("loop", 3), ("{", 3), ("}", 3)]
    assert len(lexer.blank(text)) == len(text)

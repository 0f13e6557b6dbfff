# SPDX-License-Identifier: GPL-2.0
"""Where code may ask for a feature of the kernel, and which helpers collide."""

import subprocess
from pathlib import Path

import pytest
from test_unsafe import made

HERE = Path(__file__).parent
MAKEFILE = "ext-has := \\\n\t$(call has,tree,tree_first,include/linux/mm.h)\n"
WRAPPER = "#[cfg(has_tree)]\nmod tree {}\n/// Up to 7.2.\n#[cfg(not(has_tree))]\nmod tree {}\n"
GOOD = {"rust/Makefile": MAKEFILE, "rust/mm.rs": WRAPPER, "rust/bindings.rs": "pub use helpers::*;\n",
        "rust/helpers/srcu.c": "int rust_ext_helper_srcu_read_lock(void)\n{\n}\n"}
CHOSEN = {"rust/bindings.rs": "pub use helpers::{\n    srcu_read_lock,\n    other, //\n};\n"}
COMMENTED = {"rust/bindings.rs": "// pub use helpers::{srcu_read_lock};\n"}
OLD = {"rust/helpers/srcu.c": "int rust_helper_srcu_other(void)\n"}
NEW = {"rust/helpers/net/srcu.c": "__rust_helper int rust_helper_srcu_read_lock(void)\n"}


def said(directory, files, *kernels):
    """The complaints of a tree, for the kernels."""
    made(directory / "tree", GOOD | files)
    for number, kernel in enumerate(kernels):
        made(directory / f"linux{number}", kernel)
    trees = [directory / f"linux{number}" for number in range(len(kernels))]
    done = subprocess.run([HERE / "kernels.py", directory / "tree", *trees], capture_output=True, text=True,
                          check=False)
    assert done.stderr == ""
    return [] if done.returncode == 0 else done.stdout.splitlines()


def test_in_rust(tmp_path):
    assert said(tmp_path, {"fs/dax/a.rs": "// cfg(has_tree)\nfn has_data() -> bool { bio.has_data() }\n"}) == []


@pytest.mark.parametrize("code", ["#[cfg(has_tree)]", "#[cfg(not(has_tree))]", "#[cfg(all(MODULE, has_other))]",
                                  "#[cfg_attr(not(has_tree), allow(unused))]", "if cfg!(has_tree) {}"])
def test_outside_of_rust(tmp_path, code):
    lines = said(tmp_path, {"drivers/dax/a.rs": f"fn f() {{}}\n{code}\n"})
    assert len(lines) == 1 and lines[0].startswith("drivers/dax/a.rs:2: has_")


def test_undefined_unused_unexplained(tmp_path):
    wrong = {"rust/mm.rs": "#[cfg(has_tre)]\nmod a {}\n", "rust/b.rs": "#[cfg(has_tree)]\nmod a {}\n"}
    assert said(tmp_path, wrong) == ["rust/mm.rs:1: rust/Makefile never defines has_tre"]
    assert said(tmp_path, {"rust/mm.rs": "", "rust/b.rs": ""}) == ["rust/Makefile: no code asks for has_tree"]
    silent = {"rust/mm.rs": WRAPPER.replace("/// Up to 7.2.", "")}
    assert [line.partition(": ")[0] for line in said(tmp_path, silent)] == ["rust/mm.rs:4"]


def test_helpers(tmp_path):
    assert said(tmp_path, {}, OLD) == []
    lines = said(tmp_path, {}, OLD, NEW)
    assert len(lines) == 1 and "linux1 has a helper srcu_read_lock too" in lines[0]
    assert said(tmp_path, CHOSEN, OLD, NEW) == []
    assert said(tmp_path, COMMENTED, OLD, NEW) == lines
    assert said(tmp_path / "none", {}, {"rust/Makefile": ""})[0].endswith("no helper found in rust/helpers")

# SPDX-License-Identifier: GPL-2.0
"""Tests what judges the attempts to forge evidence, over canned answers of rustc."""

import pytest
from attempt import Attempt, errors, judge

TEXT = """//! crate: fs_dax
#[cfg(not(control))]
fn f() {
    A(0); //~ E0423
    B { a: 0 } //~ E0451, E0063
}
#[cfg(control)]
fn g() {}
"""
MISSING = [f"some-name.rs:{line}: the error {code} is missing"
           for line, code in ((4, "E0423"), (5, "E0063"), (5, "E0451"))]
OTHER = "some-name.rs: another error than the marked ones: "


def attempt(directory, text=TEXT):
    """The attempt with this text."""
    file = directory / "some-name.rs"
    file.write_text(text)
    return Attempt(file)


def complaints(directory, *lines, status=1):
    """What is said of an answer, in which @ stands for the attempt."""
    tried = attempt(directory)
    said = "".join(f"{line}\n" for line in lines).replace("@", str(tried.file))
    return list(judge(tried, errors(said, status)))


WANTED = ["@:4:5: error[E0423]: it is private", "@:5:5: error[E0451]: it too",
          "@:5:5: error[E0063]: b is missing", "error: aborting due to 3 previous errors"]


def test_what_a_file_says(tmp_path):
    tried = attempt(tmp_path)
    assert (tried.name, tried.crate) == ("some_name", "fs_dax")
    assert tried.marks == {(4, "E0423"), (5, "E0451"), (5, "E0063")}


@pytest.mark.parametrize("part", ["//! crate: fs_dax", "#[cfg(control)]", "#[cfg(not(control))]", "~"])
def test_a_file_that_does_not_say_it(tmp_path, part):
    with pytest.raises(SystemExit):
        attempt(tmp_path, TEXT.replace(part, ""))


def test_the_marked_errors(tmp_path):
    assert complaints(tmp_path, *WANTED, WANTED[0], "@:9:1: warning: unused") == []
    assert complaints(tmp_path, *WANTED[1:]) == MISSING[:1]


def test_an_attempt_that_succeeds(tmp_path):
    for said in ((), ("@:4:5: warning: it is private",)):
        assert complaints(tmp_path, *said, status=0) == [
            "some-name.rs: it compiles, so the evidence can be forged"]


@pytest.mark.parametrize("line", ["@:6:1: error[E0423]: x", "@:4:1: error[E0425]: x", "@:4:1: error: x",
                                  "error[E0423]: x", "/rust/lib.rs:4:1: error[E0423]: x"])
def test_another_error(tmp_path, line):
    assert complaints(tmp_path, *WANTED, line) == [OTHER + line.replace("@", str(tmp_path / "some-name.rs"))]


def test_a_compiler_that_fails(tmp_path):
    assert complaints(tmp_path, "Segmentation fault", status=139) == [
        *MISSING, OTHER + "Segmentation fault\nrustc ended with status 139"]

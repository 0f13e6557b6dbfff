# SPDX-License-Identifier: GPL-2.0
"""Tests what judges the attempts to forge evidence, over canned answers of rustc."""

import json
from pathlib import Path

import pytest
from attempt import Attempt, Malformed, judge

TEXT = """//! crate: fs_dax
#[cfg(not(control))]
fn f() {
    A(0); //~ E0423
    B { a: 0 } //~ E0451, E0063
}
#[cfg(control)]
fn g() {}
"""


def attempt(directory, text=TEXT):
    """The attempt with this text."""
    file = Path(directory) / "some-name.rs"
    file.write_text(text)
    return Attempt(file)


def message(file, line, code, level="error", **span):
    """A line of rustc's output."""
    spans = [{"file_name": str(file), "line_start": line, "is_primary": True, **span}] if line else []
    return json.dumps({"level": level, "message": "it is private", "rendered": "text", "spans": spans,
                       "code": {"code": code} if code else None})


def complaints(directory, *lines):
    """The first line of each complaint of an answer."""
    tried = attempt(directory)
    answer = [line(tried.file) if callable(line) else line for line in lines]
    return [found.split("\n")[0].removeprefix("some-name.rs") for found in judge(tried, "\n".join(answer))]


def at(line, code, **more):
    """An error in the attempt."""
    return lambda file: message(file, line, code, **more)


WANTED = [at(4, "E0423"), at(5, "E0451"), at(5, "E0063")]


def test_what_a_file_says(tmp_path):
    tried = attempt(tmp_path)
    assert (tried.name, tried.crate) == ("some_name", "fs_dax")
    assert tried.marks == {(4, "E0423"), (5, "E0451"), (5, "E0063")}


def test_files_that_do_not_say_it(tmp_path):
    for part in ("//! crate: fs_dax", "#[cfg(control)]", "#[cfg(not(control))]"):
        with pytest.raises(Malformed):
            attempt(tmp_path, TEXT.replace(part, ""))
    with pytest.raises(Malformed):
        attempt(tmp_path, TEXT.replace("//~", "//"))


def test_the_marked_errors(tmp_path):
    assert complaints(tmp_path, *WANTED) == []
    assert complaints(tmp_path, *WANTED, WANTED[0], at(9, "", level="warning")) == []


def test_an_attempt_that_succeeds(tmp_path):
    assert complaints(tmp_path) == [": it compiles, so the evidence can be forged"]
    assert complaints(tmp_path, at(4, "E0423", level="warning")) == [
        ": it compiles, so the evidence can be forged"]


def test_an_error_that_is_missing(tmp_path):
    assert complaints(tmp_path, *WANTED[1:]) == [":4: the error E0423 is missing"]


def test_other_errors(tmp_path):
    another = ": another error than the marked ones, "
    assert complaints(tmp_path, *WANTED, at(6, "E0423")) == [another + "E0423:"]
    assert complaints(tmp_path, *WANTED, at(4, "E0425")) == [another + "E0425:"]
    assert complaints(tmp_path, *WANTED, at(4, "")) == [another + "without a code:"]
    assert complaints(tmp_path, *WANTED, at(0, "E0423")) == [another + "E0423:"]
    assert complaints(tmp_path, *WANTED, message("/rust/lib.rs", 4, "E0423")) == [another + "E0423:"]
    assert complaints(tmp_path, *WANTED, "rustc ended with status 101") == [another + "without a code:"]


def test_an_error_in_a_macro(tmp_path):
    def inside(file):
        return message("/rust/macro.rs", 99, "E0423", expansion={"span": json.loads(
            message(file, 4, ""))["spans"][0]})

    assert complaints(tmp_path, inside, *WANTED[1:]) == []

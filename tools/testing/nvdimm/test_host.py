# SPDX-License-Identifier: GPL-2.0
"""Tests of pure logic, without a guest: unit tests in Rust files, and programs that print KTAP."""

import re
import subprocess

import pytest

from bench import ktap
from bench.paths import CHECKOUT, LINUX, NVDIMM, SELFTESTS

PROGRAMS = ("engine", "loom")
TESTED = re.compile(r"^#\[cfg\((any\()?test\b", re.MULTILINE)
LIBTEST = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED|ignored)", re.MULTILINE)
WHAT = {"ok": "pass", "FAILED": "fail", "ignored": "skip"}


def output_of(command, log, **options):
    """Run a command; return what it prints, which goes to the log too."""
    said = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options).stdout
    log.write_bytes(said)
    return said.decode(errors="replace")


def rust_files():
    """The files of the product with unit tests, which are compiled with the modules below them."""
    files = (file for top in ("rust", "drivers", "fs") for file in (CHECKOUT / top).rglob("*.rs"))
    return sorted(str(file.relative_to(CHECKOUT)) for file in files if TESTED.search(file.read_text()))


def report(said, log, points):
    """Report libtest's output. There has to be a test."""
    found = [ktap.Point(WHAT[what], str(number), name) for number, (name, what) in enumerate(LIBTEST.findall(said), 1)]
    assert found and "error: could not compile" not in said, "no test ran:\n" + said[-2000:]
    points(found, log.name)


@pytest.mark.parametrize("file", rust_files(), ids="host/{}".format)
def test_rust(file, log, points, tmp_path):
    said = output_of(["rustc", "--edition", "2021", "--test", "-A", "dead_code", "-o", tmp_path / "test",
                      CHECKOUT / file], log)
    assert (tmp_path / "test").exists(), f"{file} does not compile:\n{said[-2000:]}"
    report(output_of([tmp_path / "test", "--test-threads=2"], log), log, points)


@pytest.mark.parametrize("package", ["daxexer", "daxfuzz"], ids="host/{}".format)
def test_package(package, log, points):
    report(output_of(["cargo", "test", "--locked", "--offline", "--manifest-path",
                      SELFTESTS / package / "Cargo.toml", "--", "--test-threads=2"], log), log, points)


@pytest.mark.parametrize("program", PROGRAMS, ids="host/{}".format)
def test_program(program, log, points):
    points(ktap.parse(output_of([NVDIMM / program / "run", LINUX], log).splitlines()), log.name)

# SPDX-License-Identifier: GPL-2.0
"""What is made of results: test points of KTAP documents, tables, documents for each lane."""

import subprocess
import sys

import pytest

from bench import ktap, tables
from bench.paths import LINUX
from bench.runs import Result, Run, changed

GOOD = """KTAP version 1
1..4
ok 1 mounts
# FAILED: byte 7
# status 1
not ok 2 reads back
ok 3 - poison # SKIP no such device
ok 4 unmounts
# Totals: pass:2 fail:1 xfail:0 xpass:0 skip:1 error:0
"""
NESTED = """KTAP version 1
1..2
  KTAP version 1
  # Subtest: labels
  1..2
  ok 1 read
  not ok 2 write
not ok 1 labels
ok 2 btt
"""
DMESG = """[    0.100000] Linux
[    1.000000] KTAP version 1
[    1.000000] 1..2
[    1.000000]     KTAP version 1
[    1.000000]     # Subtest: rust_dax_range
[    1.000000]     1..2
[    1.000000]     ok 1 splits
[    1.000000]     ok 2 joins
[    1.000000] # rust_dax_range: pass:2 fail:0 skip:0 total:2
[    1.000000] ok 1 rust_dax_range
[    1.000000]     KTAP version 1
[    1.000000]     # Subtest: rust_pmem
[    1.000000]     1..1
[    1.000000]     ok 1 bounds # SKIP no device
[    1.000000] ok 2 rust_pmem # SKIP
[    2.000000] guest: begin x.sh
[    3.000000] KTAP version 1
[    3.000000] 1..1
[    3.000000]     KTAP version 1
[    3.000000] nd_pmem: unable to guarantee persistence of writes
[    3.000000]     # Subtest: rust_dax_range
[    3.000000]     1..2
[    3.000000]     ok 1 splits
[    3.000000]     # joins: EXPECTATION FAILED
[    3.000000]     not ok 2 joins
[    3.000000] not ok 1 rust_dax_range
"""

GOOD_POINTS = [("pass", "1", "mounts"), ("fail", "2", "reads back"), ("skip", "3", "poison"), ("pass", "4", "unmounts")]


def points(text):
    return [(p.what, p.number, p.title or p.why) for p in ktap.parse(text.splitlines())]


@pytest.mark.parametrize("text, wanted", [
    (GOOD, GOOD_POINTS),
    (NESTED, [("pass", "1.1", "read"), ("fail", "1.2", "write"), ("pass", "2", "btt")]),
    ("1..0 # SKIP no pmem device\n", [("skip", "", "no pmem device")]),
    ("", [("fail", "", "there is no KTAP in it")]),
    ("sh: not found\n", [("fail", "", "there is no KTAP in it")]),
    ("KTAP version 1\nok 1 a\n", [("pass", "1", "a"), ("fail", "", "there is no plan")]),
    (GOOD.replace("1..4", "1..6"), [*GOOD_POINTS, ("fail", "", "4 of 6 planned tests reported")]),
    (GOOD.replace("1..4", "1..3"), [*GOOD_POINTS[:3], ("fail", "", "1 more tests reported than planned")]),
    (GOOD.replace("ok 4", "ok 5"), [*GOOD_POINTS, ("fail", "", "unmounts: Expected test number 4 but found 5")]),
    (GOOD.partition("ok 3")[0] + "Oops: 0000\nCall Trace:\n",
     [*GOOD_POINTS[:2], ("fail", "", "2 of 4 planned tests reported")]),
])
def test_points(text, wanted):
    assert points(text) == wanted


def test_what_a_point_says():
    parsed = ktap.parse(GOOD.replace("ok 4 unmounts", "ok 4 unmounts # XFAIL a leak").splitlines())
    assert parsed[1].log == ["# FAILED: byte 7", "# status 1"]
    assert [(p.what, p.why) for p in parsed[2:]] == [("skip", "no such device"), ("xfail", "a leak")]


def test_kunit_suites():
    cases = ktap.kunit(DMESG.splitlines())
    assert {name: point.what for name, point in cases.items()} == {
        "rust_dax_range.splits": "pass", "rust_dax_range.joins": "fail", "rust_pmem.bounds": "skip"}


# --- runs and tables ------------------------------------------------------------------------------

RESULTS = [("pass", "lint/rustfmt", "", "lint/rustfmt", ""), ("fail", "lint/clippy", "status 1", "lint/clippy", "x.log"),
           ("pass", "integrated/dm/1 mounts", "", "integrated/dm", ""),
           ("fail", "integrated/dm/2 reads back", "", "integrated/dm", ""),
           ("skip", "integrated/dm/3 poison", "no such device", "integrated/dm", ""),
           ("pass", "kunit/integrated/rust_pmem.bounds", "", "kunit/integrated", ""),
           ("xfail", "ctwin/dm/1 mounts", "a known defect", "ctwin/dm", ""),
           ("pass", "ctwin/dm/2 reads back", "", "ctwin/dm", ""),
           ("fail", "ctwin/main", "the guest ended too early", "ctwin/main", "")]


def make_run(path, results=tuple(RESULTS), tree="t1"):
    path.mkdir()
    (path / "results").write_text("".join(Result(*result).line() for result in results))
    (path / "seconds").write_text("40\tintegrated/dm\n8\tctwin/dm\n3\tlint/unsafe\n")
    (path / "about").write_text(f"tree {tree}\nbegan 2026-01-01T00:00:00\n")
    return Run(path)


def test_the_summary(tmp_path):
    run = make_run(tmp_path / "1")
    assert list(tables.summary(run)) == [
        "                     passed   failed  skipped    xfail  seconds",
        "lint                      1        1        0        0        3",
        "integrated                1        1        1        0       40",
        "kunit integrated          1        0        0        0         ",
        "ctwin                     1        1        0        1        8",
        "slowest: integrated/dm 40 s, ctwin/dm 8 s, lint/unsafe 3 s",
        "FAILED lint/clippy: status 1",
        "FAILED integrated/dm/2 reads back",
        "FAILED ctwin/main: the guest ended too early"]
    assert tables.verdict(run) == (4, 3)


def test_results_that_changed(tmp_path):
    fails = [("fail", *result[1:]) for result in RESULTS]
    make_run(tmp_path / "1", [("skip" if r[1].endswith("2 reads back") else r[0], *r[1:]) for r in RESULTS])
    make_run(tmp_path / "2", fails, tree="t2")
    run = make_run(tmp_path / "3")
    make_run(tmp_path / "4", fails)
    assert [(r.name, was, when) for r, was, when in changed(run)] == [
        ("integrated/dm/2 reads back", "skip", "1"), ("ctwin/dm/2 reads back", "skip", "1")]


def test_the_kernels_parser_reads_the_documents(tmp_path):
    verdicts = {}
    for name, lines in tables.lane_documents(make_run(tmp_path / "1")):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        said = subprocess.run([sys.executable, "-B", LINUX / "tools/testing/kunit/kunit.py", "parse", tmp_path / name],
                              capture_output=True, text=True, check=False)
        assert "[ERROR]" not in said.stdout
        verdicts[name] = (said.returncode, said.stdout.partition("Testing complete. ")[2].partition("\n")[0])
    assert verdicts == {
        "lint.ktap": (1, "Ran 2 tests: passed: 1, failed: 1"),
        "kunit-integrated.ktap": (0, "Ran 1 tests: passed: 1"),
        "integrated.ktap": (1, "Ran 3 tests: passed: 1, failed: 1, skipped: 1"),
        "ctwin.ktap": (1, "Ran 3 tests: passed: 2, failed: 1")}


def test_the_table_of_suites(tmp_path):
    assert list(tables.rst([make_run(tmp_path / "1")], ("integrated", "core", "ctwin"))) == [
        "=====  ======================  ====================",
        "suite  integrated              ctwin",
        "=====  ======================  ====================",
        "KUnit  1                       -",
        "dm     1, 1 failed, 1 skipped  1, 1 xfail",
        "main   -                       0, 1 failed",
        "all    2, 1 failed, 1 skipped  1, 1 failed, 1 xfail",
        "=====  ======================  ===================="]

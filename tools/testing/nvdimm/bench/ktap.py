# SPDX-License-Identifier: GPL-2.0
"""Test points of KTAP documents, read with the kernel's own parser."""

import re
import sys
from dataclasses import dataclass, field

from bench.paths import LINUX

sys.path.insert(0, str(LINUX / "tools/testing/kunit"))

import kunit_parser  # pylint: disable=wrong-import-position
from kunit_parser import TestStatus  # pylint: disable=wrong-import-position
from kunit_printer import Printer  # pylint: disable=wrong-import-position

WHAT = {TestStatus.SUCCESS: "pass", TestStatus.FAILURE: "fail", TestStatus.SKIPPED: "skip"}
# The parser knows no XFAIL: it reads such a test as skipped, for a reason that begins with this.
XFAIL = "XFAIL "


@dataclass
class Point:
    """A test: what came of it (pass, fail, skip, xfail), why, and its diagnostics."""

    what: str
    number: str = ""
    title: str = ""
    why: str = ""
    log: list = field(default_factory=list)

    def __post_init__(self):
        if self.what == "skip" and self.why.startswith(XFAIL):
            self.what, self.why = "xfail", self.why.removeprefix(XFAIL)


class Complaints(Printer):
    """Collects the errors that the parser finds in a document, and drops its other output."""

    def __init__(self):
        super().__init__(print=False)
        self.found = []

    def print(self, message):
        _, error, text = message.partition("[ERROR] Test: ")
        if error and "missing expected subtest" not in text:
            self.found.append(text.removeprefix("main: "))


def leaves(test, above=""):
    """Yield the tests without subtests, and those that fail although no subtest fails."""
    for index, sub in enumerate(test.subtests, 1):
        number = f"{above}{index}"
        below = list(leaves(sub, f"{number}."))
        yield from below
        what = WHAT.get(sub.status, "fail")
        if not below or (what == "fail" and all(p.what != "fail" for p in below)):
            why = "" if sub.status in WHAT else "it did not report"
            yield Point(what, number, sub.name or sub.skip_reason, sub.skip_reason or why, sub.log)


def parse(lines):
    """Return the points of a document. An error of the document itself is a failure without number."""
    skipped = next((line for line in lines if line.startswith("1..0 # SKIP")), None)
    if skipped:
        return [Point("skip", why=skipped.removeprefix("1..0 # SKIP").strip())]
    complaints = Complaints()
    lines = [re.sub(r"^(\s*ok \d.*) # XFAIL ?", rf"\1 # SKIP {XFAIL}", line.rstrip("\r\n")) for line in lines]
    stream = kunit_parser.extract_tap_lines(lines)
    if not stream:
        return [Point("fail", why="there is no KTAP in it")]
    main = kunit_parser.parse_test(stream, 0, [], False, complaints)
    points = list(leaves(main))
    missing = sum(1 for sub in main.subtests if not sub.name and sub.status not in WHAT)
    points = [p for p in points if p.title or p.why != "it did not report"]
    wrong = list(complaints.found)
    if main.expected_count is None:
        wrong.append("there is no plan")
    elif missing:
        planned = main.expected_count
        wrong.append(f"{planned - missing} of {planned} planned tests reported")
    beyond = sum(1 for line in stream if re.match(r"(not )?ok \d", line))
    if beyond:
        wrong.append(f"{beyond} more tests reported than planned")
    return points + [Point("fail", why=why, log=main.log[-40:]) for why in wrong]


def kunit(lines):
    """Return the cases of all KUnit suites in a kernel log. A case is failed if any run of it failed.

    Other messages of the kernel are dropped: one between the lines of a suite would confuse the parser.
    """
    cases = {}
    part = []
    for line in [*lines, "KTAP version 1"]:
        line = re.sub(r"^\[ *[0-9.]+\] ?", "", line.rstrip("\r\n"))
        if line != "KTAP version 1":
            if re.match(r" *(KTAP version|#|1\.\.|(not )?ok )", line):
                part.append(line)
            continue
        if part and part[0] == line:
            tree = kunit_parser.parse_test(
                kunit_parser.extract_tap_lines(part), 0, [], False, Complaints())
            for suite in tree.subtests:
                for point in leaves(suite):
                    name = f"{suite.name}.{point.title}"
                    if name not in cases or point.what == "fail":
                        cases[name] = point
        part = [line]
    return cases

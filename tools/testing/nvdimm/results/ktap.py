# SPDX-License-Identifier: GPL-2.0
"""Test points of KTAP documents, read with the kernel's own parser."""

import re
from dataclasses import dataclass, field

import kunit_parser
from kunit_parser import TestStatus
from kunit_printer import Printer

WHAT = {TestStatus.SUCCESS: "pass", TestStatus.FAILURE: "fail", TestStatus.SKIPPED: "skip"}


@dataclass
class Point:
    what: str
    number: str = ""
    title: str = ""
    why: str = ""
    log: list = field(default_factory=list)


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
    complaints = Complaints()
    stream = kunit_parser.extract_tap_lines(line.rstrip("\r\n") for line in lines)
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


def expect(points, script, components, listed):
    """Turn failures that are listed for a component into "xfail", if that component is C here."""
    kinds = dict(pair.split("=") for pair in (*components.split(), "dm=c", "xfs=c"))
    expected = {}
    for line in listed:
        word = line.split(None, 3)
        if not line.startswith("#") and len(word) == 4 and word[0] == script and kinds.get(word[2]) == "c":
            expected[word[1]] = word[3].strip()
    for point in points:
        if point.number not in expected:
            continue
        if point.what == "fail":
            point.what, point.why = "xfail", expected[point.number]
        elif point.what == "pass":
            point.title += " (listed as failing, but passes)"


def kunit(lines):
    """Return the cases of all KUnit suites in kernel logs. A case is failed if any run of it failed.

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

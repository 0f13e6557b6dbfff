# SPDX-License-Identifier: GPL-2.0
"""Evaluates the results of a check; ../report and ../check call it, in the root.

  points SUITE RUN LOG COMPONENTS   print the results-file lines of a KTAP document
  kunit SUITE LOG...                print the results-file lines of the KUnit suites in kernel logs
  summary RUN                       print the table; write junit.xml, LANE.ktap, verdict
  rst RUN...                        print the table of suites and lanes
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, os.environ.get("KUNIT", "/cache/src/linux/tools/testing/kunit"))

import junit  # pylint: disable=wrong-import-position
import ktap  # pylint: disable=wrong-import-position
import tables  # pylint: disable=wrong-import-position
from runs import Run  # pylint: disable=wrong-import-position

LISTED = Path(__file__).parents[2] / "selftests/dax/expected-c-failures"


def line(what, name, why, suite, log):
    return "\t".join(text.replace("\t", " ") for text in (what, name, why, suite, log))


def points(suite, run, log, components):
    found = ktap.parse((Path(run) / log).read_text(errors="replace").splitlines())
    ktap.expect(found, suite.rpartition("/")[2], components, LISTED.read_text().splitlines())
    for point in found:
        name = f"{suite}/{point.number} {point.title}" if point.number else f"{suite}/document"
        yield line(point.what, name, point.why, suite, log)


def kunit(suite, *logs):
    lines = [text for log in logs for text in Path(log).read_text(errors="replace").splitlines()]
    cases = ktap.kunit(lines)
    for name, point in sorted(cases.items()):
        yield line(point.what, f"{suite}/{name}", point.why, suite, "")
    if not cases:
        sys.exit("no KUnit case in the logs")


def summary(directory):
    run = Run(directory)
    yield from tables.summary(run)
    junit.write(run, run.path / "junit.xml")
    for name, lines in tables.lane_documents(run):
        (run.path / name).write_text("\n".join(lines) + "\n")
    passed, failed = tables.verdict(run)
    (run.path / "verdict").write_text(f"{passed} passed, {failed} failed\n")
    if failed or not passed:
        sys.exit(1)


def rst(*directories):
    return tables.rst([Run(directory) for directory in directories])


def main():
    commands = {"points": points, "kunit": kunit, "summary": summary, "rst": rst}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    for text in commands[sys.argv[1]](*sys.argv[2:]):
        print(text)


if __name__ == "__main__":
    main()

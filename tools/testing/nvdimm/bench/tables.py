# SPDX-License-Identifier: GPL-2.0
"""Tables for people: the summary of a check, suites by lanes; and a KTAP document for each lane."""

from collections import Counter

from bench.lanes import ALL
from bench.runs import KINDS, changed

HEADINGS = ("passed", "failed", "skipped", "xfail")
SLOWEST = 5
LANES = ("integrated", "ctwin", "stock", *(lane for lane in ALL if lane not in ("integrated", "ctwin", "stock")), "other")


def place(group):
    """Sort key for the rows of the summary: first the groups that are no lanes, then the lanes."""
    lane = group.removeprefix("kunit ")
    return (LANES.index(lane) + 1 if lane in LANES else 0, group)


def summary(run):
    """Yield the lines of the summary. xfail: failed because of a known defect of a C component."""
    yield f"{'':<18}" + "".join(f"{heading:>9}" for heading in (*HEADINGS, "seconds"))
    counts = run.count(lambda r: r.group)
    for group in sorted(counts, key=place):
        count = counts[group]
        columns = [count[kind] for kind in KINDS] + [run.group_seconds(group) or ""]
        yield f"{group:<18}" + "".join(f"{column:>9}" for column in columns)
    slowest = sorted(((s, n) for n, s in run.seconds.items()), reverse=True)[:SLOWEST]
    if slowest:
        yield "slowest: " + ", ".join(f"{name} {seconds} s" for seconds, name in slowest)
    for result, was, when in changed(run):
        yield f"CHANGED {result.name}: {result.what}, in run {when} of the same tree {was}"
    for result in run.results:
        if result.what == "fail":
            yield f"FAILED {result.name}" + (f": {result.why}" if result.why else "")


def verdict(run):
    """How many passed, how many failed."""
    what = [result.what for result in run.results]
    return what.count("pass"), what.count("fail")


def lane_document(name, suites):
    """Yield the lines of a KTAP document: a test for each suite, with its points as subtests."""
    yield "KTAP version 1"
    yield f"# {name}"
    yield f"1..{len(suites)}"
    for number, (suite, results) in enumerate(suites.items(), 1):
        title = suite.partition("/")[2] or suite
        yield "  KTAP version 1"
        yield f"  # Subtest: {title}"
        yield f"  1..{len(results)}"
        for index, result in enumerate(results, 1):
            ok = "not ok" if result.what == "fail" else "ok"
            directive = {"skip": f" # SKIP {result.why}", "xfail": f" # XFAIL {result.why}"}
            label = result.title.lstrip("0123456789.").strip().replace("#", "")
            yield f"  {ok} {index} {label}{directive.get(result.what, '')}".rstrip()
        failed = any(result.what == "fail" for result in results)
        yield f"{'not ok' if failed else 'ok'} {number} {title}"


def lane_documents(run):
    """Yield a file name and the lines of the file for each group."""
    groups = {}
    for suite, results in run.suites().items():
        groups.setdefault(results[0].group, {})[suite] = results
    for group, suites in groups.items():
        yield group.replace(" ", "-") + ".ktap", lane_document(group, suites)


def cell(count):
    """Format counts as '12', or '10, 1 failed, 2 skipped'."""
    others = [f"{count[kind]} {heading}" for kind, heading in zip(KINDS[1:], HEADINGS[1:]) if count[kind]]
    return ", ".join([str(count["pass"]), *others])


def rst(runs, lanes=LANES):
    """The lines of a table: a row for each suite, a column for each lane that ran a suite."""
    counts = {}
    for run in runs:
        for suite, count in run.count(lambda r: r.suite).items():
            lane, _, script = suite.partition("/")
            if lane == "kunit":
                lane, script = script, "KUnit"
            if lane in lanes and script:
                counts.setdefault(script, {})[lane] = count
    used = [lane for lane in lanes if any(lane in row for row in counts.values())]
    rows = [["suite", *used]]
    for script, row in sorted(counts.items()):
        rows.append([script, *(cell(row[lane]) if lane in row else "-" for lane in used)])
    sums = {lane: sum((row[lane] for row in counts.values() if lane in row), Counter()) for lane in used}
    rows.append(["all", *(cell(sums[lane]) for lane in used)])
    return grid(rows)


def grid(rows):
    """The lines of a table in reStructuredText, of rows that begin with the headings."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    rule = ["=" * width for width in widths]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip()
            for row in (rule, rows[0], rule, *rows[1:], rule)]

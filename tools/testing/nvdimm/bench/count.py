# SPDX-License-Identifier: GPL-2.0
"""Compares the cost of operations in one lane (integrated) with another (ctwin): guest instructions, and
stores, write-backs and fences of persistent memory. The checker in ../persist counts them, in a guest with
one vCPU whose virtual time is its number of instructions: the figures repeat exactly, however busy this
machine is.

For the lanes integrated and ctwin, count.ratios has the expected ratios of instructions. A ratio that is more
than 1 % higher is an error. UPDATE=1 in the environment writes the new ratios to that file instead.
"""

import os
from collections import namedtuple

from bench import guest, headers, kernel
from bench.paths import NVDIMM, on_host
from bench.progress import Failed, step

USUAL = ("integrated", "ctwin")
RATIOS = NVDIMM / "count.ratios"
RATIOS_HEAD = """\
# SPDX-License-Identifier: GPL-2.0
#
# Instructions of the stack in Rust, divided by those of the one in C: expected by "make count",
# which UPDATE=1 lets write this file.
"""

# what the median of an operation cost
Cost = namedtuple("Cost", "instructions movnti clwb fences")
# an operation in two lanes; what is wrong with it, or a remark
Compared = namedtuple("Compared", "name mine theirs ratio wrong remark")


def costs(report):
    """{operation: Cost} of a report of the checker. The fields of a line "cost": name, instructions, lines
    stored, streamed (movnti), written back (clwb), written back redundantly, fences."""
    rows = (line.split("\t") for line in report.splitlines() if line.startswith("cost\t"))
    return {row[1]: Cost(*(int(row[at]) for at in (2, 4, 5, 7))) for row in rows}


def problem(mine, theirs, ratio, wanted, lanes):
    """What is wrong with a cost, or "". WANTED: the expected ratio; 0: none; None: none of any operation."""
    if not theirs:
        return f"counted in lane {lanes[0]} only"
    if ratio > 1.02:
        return "more than 1.02"
    more = [name for name in Cost._fields[1:] if getattr(mine, name) > getattr(theirs, name)]
    if more:
        return f"more {more[0]} than in lane {lanes[1]}"
    if wanted == 0:
        return "no ratio is expected; UPDATE=1 adds it"
    if wanted and ratio > wanted * 1.01:
        return f"it was {wanted:.4f}; if that is meant, UPDATE=1 and say why in the commit"
    return ""


def compare(lanes, mine, theirs, ratios):
    """Compare the costs in two lanes, and their ratios with the expected ones, if there are any."""
    for name, cost in mine.items():
        other, wanted = theirs.get(name), ratios.get(name, 0) if ratios else None
        ratio = cost.instructions / other.instructions if other else 0
        wrong, remark = problem(cost, other, ratio, wanted, lanes), ""
        if wanted and not wrong and ratio < wanted * 0.99:
            remark = f"it was {wanted:.4f}; UPDATE=1 makes it the new one"
        yield Compared(name, cost, other.instructions if other else 0, ratio, wrong, remark)


def table(lanes, compared, gone):
    """The lines of the comparison as a table."""
    yield "\n{:36} {:>12} {:>12}   ratio  {:>6} {:>6} {:>6}".format(
        "median of each operation", *lanes, *Cost._fields[1:])
    for one in compared:
        text = f"  FAILED: {one.wrong}" if one.wrong else f"  {one.remark}" if one.remark else ""
        yield "{:36} {:12} {:12} {:7.4f}  {:6} {:6} {:6}{}".format(
            one.name, one.mine.instructions, one.theirs, one.ratio, *one.mine[1:], text)
    yield from gone
    bad = sum(bool(one.wrong) for one in compared) + len(gone)
    yield f"{bad} of {len(compared)} operations cost too much, or are not there"


def counted(lane):
    """The costs in a lane, by a guest."""
    build, script = kernel.built(lane), headers.read("count.sh")
    step(f"counting in lane {lane}")
    booted = guest.Guest(build, [script], name=f"count-{lane}", slow=4, quiet=True).boot()
    booted.discard()
    if booted.status(script) != 0:
        raise Failed(f"the guest did not count everything; see {on_host(booted.output)}")
    return costs((booted.run / "report").read_text())


def measure(lanes):
    """([Compared...], what is said of expected operations that are gone) of two lanes."""
    rows = (line.split("\t") for line in RATIOS.read_text().splitlines() if not line.startswith("#"))
    ratios = {name: float(ratio) for ratio, name in rows} if lanes == USUAL else {}
    compared = list(compare(lanes, *map(counted, lanes), ratios))
    gone = sorted(set(ratios) - {one.name for one in compared})
    return compared, [f"{name}: expected, but not counted any more; UPDATE=1 removes it" for name in gone]


def main(arguments):
    """[LANE [LANE]]. The result is 1 if an operation costs too much."""
    lanes = (*arguments, *USUAL[len(arguments):])
    update = os.environ.get("UPDATE")
    if update and lanes != USUAL:
        raise Failed("count.ratios is for the lanes integrated and ctwin: use UPDATE=1 without LANE=")
    compared, gone = measure(lanes)
    if update:
        RATIOS.write_text(RATIOS_HEAD + "".join(f"{one.ratio:.4f}\t{one.name}\n" for one in compared))
        print(f"written: {on_host(RATIOS)}; git diff shows what changed")
        return 0
    print(*table(lanes, compared, gone), sep="\n")
    return 1 if gone or not compared or any(one.wrong for one in compared) else 0

# SPDX-License-Identifier: GPL-2.0
"""Tests the comparison of what operations cost."""

import pytest

from bench import count
from bench.count import Cost

REPORT = "cost\text4 read\t1000\t1\t2\t3\t4\t5\nlost\tx\ncost\txfs: write\t50\t0\t0\t0\t0\t0\n"


def compared(mine, theirs, ratios):
    """What is said of one operation: (wrong, remark)."""
    theirs = {} if theirs is None else {"a": theirs}
    [one] = count.compare(("integrated", "ctwin"), {"a": mine}, theirs, ratios)
    return one.wrong, one.remark


def test_a_report():
    assert count.costs(REPORT) == {"ext4 read": Cost(1000, 2, 3, 5), "xfs: write": Cost(50, 0, 0, 0)}


@pytest.mark.parametrize("instructions, ratios, wrong, remark", [
    (90, {"a": 0.9}, "", ""),
    (90, {}, "", ""),
    (103, {"a": 1.03}, "more than 1.02", ""),
    (92, {"a": 0.9}, "it was 0.9000; if that is meant", ""),
    (88, {"a": 0.9}, "", "it was 0.9000; UPDATE=1"),
    (90, {"b": 0.9}, "no ratio is expected", ""),
])
def test_instructions(instructions, ratios, wrong, remark):
    said = compared(Cost(instructions, 1, 2, 3), Cost(100, 1, 2, 3), ratios)
    for text, start in zip(said, (wrong, remark)):
        assert text.startswith(start) and bool(text) == bool(start)


@pytest.mark.parametrize("cost, name", [
    ((90, 2, 2, 3), "movnti"), ((90, 1, 3, 3), "clwb"), ((90, 1, 2, 4), "fences")])
def test_operations_on_persistent_memory(cost, name):
    assert compared(Cost(*cost), Cost(100, 1, 2, 3), {"a": 0.9})[0] == f"more {name} than in lane ctwin"


def test_an_operation_of_one_lane():
    assert compared(Cost(1, 0, 0, 0), None, {"a": 1.0})[0] == "counted in lane integrated only"

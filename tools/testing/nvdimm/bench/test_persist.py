# SPDX-License-Identifier: GPL-2.0
"""Tests what shows the reports of the persistence checker."""

from bench import persist

ROWS = [line.split("\t") for line in (
    "counts\t/mnt/file: write\t1\t2\t3\t4\t5", "lost\t/mnt/file: write\t40\t0\tDirty\tff", "refused\twhy",
    "counts\t/dev/pmem0: flush\t6\t7\t8\t9\t10", "recorded\t30\t5", "recorded\t12\t5",
    "image\ta\t1\t4", "image\tb\t2\t7")]


def test_scenarios():
    head, *lines = persist.scenarios("integrated/persist", ROWS)
    assert head.split() == ["integrated/persist", *persist.HEAD]
    assert [line.split() for line in lines] == [
        ["file:", "write", "1", "2", "3", "4", "5", "1"], ["pmem0:", "flush", "6", "7", "8", "9", "10", "0"]]


def test_images_of_power_cuts():
    assert list(persist.cuts(ROWS)) == [
        "2 images of power cuts during 42 stores, write-backs and fences; "
        "on average 6 lines could have had other contents"]

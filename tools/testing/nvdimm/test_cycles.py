# SPDX-License-Identifier: GPL-2.0
"""Tests of more than one boot: the demo, images of power cuts that another kernel recovers, and costs in two lanes."""

import contextlib

import pytest

from bench import count, demo, headers, ktap, lanes
from bench.guest import Guest


@pytest.mark.parametrize("lane", ["integrated", "stock"], ids="demo/{}".format)
def test_demo(lane, log):
    with open(log, "w", encoding="utf-8") as file, contextlib.redirect_stdout(file):
        assert demo.main([lane]) == 0


@pytest.mark.lanes("integrated")
@pytest.mark.parametrize("lane", lanes.RECOVERERS, ids="recover/{}".format)
def test_recover(lane, log, points):
    """The lane integrated makes images of power cuts in the memory of a guest; this lane recovers them."""
    found = []
    for build, script, keep in (("integrated", "recover-make.sh", False), (lane, "recover-judge.sh", True)):
        guest = Guest(lanes.directory(build), [headers.read(script)], name=f"recover-{lane}", slow=4, quiet=True,
                      keep=keep).boot()
        log.write_text(guest.output.read_text(errors="replace"))
        found += ktap.parse(guest.document(guest.scripts[0]))
        if guest.status(guest.scripts[0]) != 0 or guest.fate or guest.problems:
            break
    guest.discard()
    for number, point in enumerate(found, 1):
        point.number = str(number)
    points(found, log.name)
    assert not guest.fate and not guest.problems, f"{guest.fate} {guest.problems}"


@pytest.mark.lanes(*count.USUAL)
@pytest.mark.parametrize("name", ["count/integrated"])
def test_count(name, log, points):
    """What each operation costs in instructions, compared with C and with count.ratios."""
    compared, gone = count.measure(count.USUAL)
    log.write_text("\n".join(count.table(count.USUAL, compared, gone)))
    found = [(one.wrong, one.name) for one in compared]
    missing = "; ".join(gone) if compared else "none was counted"
    found.append((missing, "every operation that is expected was counted"))
    points([ktap.Point("fail" if wrong else "pass", str(number), name, wrong)
            for number, (wrong, name) in enumerate(found, 1)], log.name)

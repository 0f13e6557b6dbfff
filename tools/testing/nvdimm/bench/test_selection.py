# SPDX-License-Identifier: GPL-2.0
"""Which tests a check runs, by pytest's own collection."""

import pytest

from bench import headers, lanes, tables
from bench.progress import Failed
from bench.selection import Selection


@pytest.mark.parametrize("given, said", [
    ({"asked": ("nosuch",)}, "unknown lane nosuch"),
    ({"tier": "half"}, "unknown tier half"),
    ({"pattern": "a("}, "'a(' is no regular expression"),
])
def test_bad_input(given, said):
    with pytest.raises(Failed, match=said.replace("(", r"\(")):
        Selection(**given)


def scripts(**given):
    """The names of the scripts that are selected."""
    selection = Selection(**given)
    return {f"{lane}/{script.stem}" for lane in lanes.KNOWN for script in headers.tests()
            if selection.wants_script(lane, script)}


def test_tiers():
    default, full = scripts(), scripts(tier="full")
    assert default == scripts(tier="default") and default < full
    assert {"integrated/fs-io", "core/fs-io"} <= default
    assert not {"core/dax-map", "integrated/dax-stress4", "fsdax+pmem/fs-io"} & default
    assert {"core/dax-map", "integrated/dax-stress4", "fsdax+pmem/fs-io"} <= full
    assert {name for name in full if name.startswith("lossy/")} == {"lossy/persist-lossy"}


@pytest.mark.parametrize("pattern, found", [
    ("integrated/dm$", {"integrated/dm"}), ("core/dm$", {"core/dm"}), ("/dax-stress4$", {"integrated/dax-stress4"}),
])
def test_patterns(pattern, found):
    assert scripts(pattern=pattern) == found


def test_lanes():
    assert {name.partition("/")[0] for name in scripts(asked=("debug",))} == {"debug"}
    assert {name.partition("/")[0] for name in scripts(kernel=True)} == {"other"}
    assert set(lanes.ALL) < set(tables.LANES)


@pytest.mark.parametrize("name, wanted", [
    ("lint/clippy", [{}, {"tier": "full"}, {"pattern": "lint"}]),
    ("habits/reuse", [{}, {"pattern": "^habits|integrated/dm"}]),
    ("kunit/integrated", [{}, {"pattern": "kunit/integrated"}, {"asked": ("integrated",)}]),
    ("kunit/debug", [{"asked": ("debug",)}, {"tier": "full"}]),
    ("demo/integrated", [{}, {"asked": ("integrated",)}]),
    ("demo/stock", [{"tier": "full"}, {"pattern": "demo"}, {"asked": ("stock",)}]),
    ("range/7.3.4", [{"tier": "full"}, {"pattern": "range"}]),
    ("recover/ctwin", [{"tier": "full"}, {"pattern": "recover"}]),
    ("count/integrated", [{}, {"pattern": "count"}]),
])
def test_other_tests(name, wanted):
    for given in wanted:
        assert Selection(**given).wants(name), given


@pytest.mark.parametrize("name, given", [
    ("lint/clippy", {"asked": ("debug",)}), ("lint/clippy", {"kernel": True}), ("lint/clippy", {"pattern": "/dm"}),
    ("kunit/debug", {}), ("kunit/lossy", {}), ("demo/stock", {}), ("recover/ctwin", {}), ("recover/ctwin", {"tier": "default"}),
    ("count/integrated", {"asked": ("ctwin",)}), ("range/7.3.4", {}), ("range/7.3.4", {"asked": ("debug",)}),
])
def test_left_out(name, given):
    assert not Selection(**given).wants(name)

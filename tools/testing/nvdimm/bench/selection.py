# SPDX-License-Identifier: GPL-2.0
"""Which tests a check runs: those of a tier, of the lanes that the caller names, or that match a pattern."""

import os
import re
from dataclasses import dataclass

from bench import lanes
from bench.progress import Failed

TIERS = {"default": lanes.DEFAULT, "full": lanes.ALL}
# Tests of the tree itself, which belong to no lane
TREE = ("habits", "host", "lint", "runner", "tree")


@dataclass(frozen=True)
class Selection:
    """What the caller of a check asked for. An empty TIER is the default tier, but a pattern finds both."""

    pattern: str = ""
    asked: tuple = ()
    tier: str = ""
    kernel: bool = False

    def __post_init__(self):
        try:
            re.compile(self.pattern)
        except re.error:
            raise Failed(f"'{self.pattern}' is no regular expression") from None
        if self.tier not in ("", *TIERS):
            raise Failed(f"unknown tier {self.tier}: there are {' and '.join(TIERS)}")
        for lane in self.asked:
            if lane not in lanes.KNOWN:
                raise Failed(f"unknown lane {lane}; there are {' '.join(lanes.ALL)}")

    @property
    def named(self):
        """The lanes that the caller named: on the command line or, if none, as words of the pattern."""
        if self.kernel:
            return ("other",)
        words = re.split(r"[^a-z0-9+-]+", self.pattern.replace("\\", ""))
        return self.asked or tuple(lane for lane in lanes.KNOWN if lane in words)

    @property
    def lanes(self):
        """The lanes whose guests run."""
        return self.named or TIERS[self.tier or "default"]

    @property
    def finds_full(self):
        """Whether the tests of the full tier are meant too."""
        return self.tier == "full" or (self.pattern and not self.tier)

    def matches(self, name):
        """Whether the pattern is found in the name of a test."""
        return re.search(self.pattern, name) is not None

    def wants(self, name):
        """Whether to run this test, which is no script of a guest."""
        kind, _, lane = name.partition("/")
        if not self.matches(name) or (self.kernel and kind != "kunit"):
            return False
        if kind in TREE:
            return bool(self.pattern or not self.asked)
        if kind == "kunit":
            return lane in self.lanes and lanes.all_rust(lane) and lane not in ("lossy", "other")
        if kind == "range":
            return bool(self.finds_full) and not self.asked
        if kind == "recover":
            return bool(self.finds_full) and "integrated" in (self.named or ("integrated",))
        if name == "demo/stock" and not (self.named or self.finds_full):
            # in the default tier other guests run the modules of the lane stock
            return False
        return lane in (self.named or (lane,))

    def wants_script(self, lane, script):
        """Whether to run this script in the lane.

        A script that needs an environment variable runs if the caller sets it. A script with "only" runs in
        that lane alone. The lane lossy runs only such scripts: there, every other script that expects
        fsync() to work would fail.
        """
        only, needs = script.get("only"), script.get("needs")
        if lane not in self.lanes or not self.matches(f"{lane}/{script.stem}"):
            return False
        if only != lane and (only or lane == "lossy"):
            return False
        if needs and not os.environ.get(needs):
            return False
        if not needs and script.get("tier") == "full" and not self.finds_full:
            return False
        own = script.get("lanes", "").split()
        return (self.tier == "full" or lane in ("integrated", only, *self.named, *own) or "all" in own)

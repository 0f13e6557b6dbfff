# SPDX-License-Identifier: GPL-2.0
"""The directory of a run of the check: the files results, seconds and about, and the logs."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench import logs
from bench.paths import CACHE

KINDS = ("pass", "fail", "skip", "xfail")


@dataclass
class Result:
    """A test and what came of it. A line of the file results has these fields, separated by tabs."""

    what: str
    name: str
    why: str
    suite: str
    log: str

    def line(self):
        """The line of the file results."""
        fields = (self.what, self.name, self.why, self.suite, self.log)
        return "\t".join(" ".join(text.split()) for text in fields) + "\n"

    @property
    def title(self):
        """The name within its suite."""
        return self.name.removeprefix(self.suite).lstrip("/") or self.name

    @property
    def group(self):
        """The row of the table: a lane, or lint, host, ..."""
        first, _, rest = self.suite.partition("/")
        return f"kunit {rest}" if first == "kunit" else first


class Run:
    """What a check left behind."""

    def __init__(self, directory):
        self.path = Path(directory)
        self.results = [Result(*line.split("\t")) for line in logs.read(self.path / "results")]
        self.seconds = {name: int(seconds) for seconds, name in
                        (line.split("\t") for line in logs.read(self.path / "seconds"))}
        self.about = dict(line.partition(" ")[::2] for line in logs.read(self.path / "about"))

    def count(self, key):
        """Count the results of each kind by key(result), in the order in which the keys occur."""
        counts = defaultdict(Counter)
        for result in self.results:
            counts[key(result)][result.what] += 1
        return counts

    def suites(self):
        """The results of each suite."""
        suites = defaultdict(list)
        for result in self.results:
            suites[result.suite].append(result)
        return suites

    def group_seconds(self, group):
        """The seconds of all tests of a group. Tests run in parallel: a check takes less time."""
        return sum(seconds for name, seconds in self.seconds.items() if name.startswith(f"{group}/"))


def durations():
    """The seconds of each test by name, of all checks."""
    return {name: int(seconds) for name, seconds in map(str.split, logs.read(CACHE / "durations"))}


def changed(run):
    """Yield (result, was, when) for tests with another result in an earlier run of the same tree."""
    seen = {}
    for other in sorted(run.path.parent.iterdir(), reverse=True):
        if other.name >= run.path.name or not (other / "about").exists():
            continue
        earlier = Run(other)
        if earlier.about.get("tree") == run.about.get("tree"):
            for result in earlier.results:
                seen.setdefault(result.name, (result.what, other.name))
    for result in run.results:
        was, when = seen.get(result.name, (result.what, ""))
        if was != result.what:
            yield result, was, when

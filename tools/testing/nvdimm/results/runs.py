# SPDX-License-Identifier: GPL-2.0
"""The directory of a run: the files results, seconds and about, and the logs that results names."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import ktap

KINDS = ("pass", "fail", "skip", "xfail")
EXCERPT = 40


@dataclass
class Result:
    what: str
    name: str
    why: str
    suite: str
    log: str

    @property
    def title(self):
        """The name within its suite."""
        return self.name.removeprefix(self.suite).lstrip("/") or self.name

    @property
    def number(self):
        """The number of the point in the suite's KTAP document, or an empty string."""
        number = self.title.partition(" ")[0]
        return number if number.replace(".", "").isdigit() else ""

    @property
    def group(self):
        """The row of the table: a lane, or lint, host, ..."""
        first, _, rest = self.suite.partition("/")
        return f"kunit {rest}" if first == "kunit" else first


class Run:
    def __init__(self, directory):
        self.path = Path(directory)
        self.results = [Result(*line.split("\t")) for line in self.lines("results")]
        self.seconds = defaultdict(int)
        for line in self.lines("seconds"):
            seconds, name = line.split("\t")
            self.seconds[name] = int(seconds)
        self.about = dict(line.partition(" ")[::2] for line in self.lines("about"))

    def lines(self, name):
        try:
            return (self.path / name).read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def count(self, key):
        """Count the results of each kind by key(result), in the order in which the keys occur."""
        counts = defaultdict(Counter)
        for result in self.results:
            counts[key(result)][result.what] += 1
        return counts

    def suites(self):
        suites = defaultdict(list)
        for result in self.results:
            suites[result.suite].append(result)
        return suites

    def group_seconds(self, group):
        """The seconds of all guests of a lane. Guests run in parallel: a check takes less time."""
        prefixes = (f"boot/{group}/", f"{group}/")
        own = [n for n in self.seconds if n.startswith(prefixes[0])]
        own = own or [n for n in self.seconds if n.startswith(prefixes[1])]
        return sum(self.seconds[name] for name in own)

    def excerpt(self, result):
        """Return the log's lines about a failure: the diagnostics of that point, or the log's end."""
        lines = self.lines(result.log) if result.log else []
        if result.log.endswith(".ktap"):
            for point in ktap.parse(lines):
                if point.number == result.number:
                    return "\n".join(point.log[-EXCERPT:])
        return "\n".join(lines[-EXCERPT:])


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

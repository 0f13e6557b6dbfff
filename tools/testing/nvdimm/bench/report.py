# SPDX-License-Identifier: GPL-2.0
"""The command report [RUN...]: a table of suites and lanes in reStructuredText. RUN is a directory below results in
the cache; the default is the last run; of several, later runs win."""

import os

from bench import tables
from bench.paths import CACHE, on_host
from bench.progress import Failed
from bench.runs import Run


def main(arguments):
    """RUN..."""
    runs = arguments or os.environ.get("RUNS", "").split() or [(CACHE / "check").resolve().name]
    for run in runs:
        if not (CACHE / "results" / run / "results").exists():
            raise Failed(f"there is no run {run} in {on_host(CACHE / 'results')}")
    print(*tables.rst([Run(CACHE / "results" / run) for run in runs]), sep="\n")
    return 0

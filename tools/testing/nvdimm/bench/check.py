# SPDX-License-Identifier: GPL-2.0
"""The command check [PATTERN [LANE...]]: run the tests whose names match the expression, in these lanes.

Without lanes, $TIER (default, full) selects the tests. In the default tier, the lane integrated runs every
script without "# tier: full", and another lane runs the scripts that name it ("# lanes:"). A lane on the
command line runs the same scripts as integrated. A pattern finds scripts of both tiers. With $KERNEL and
$MODULES the guest tests run on that kernel, as the lane "other". $LIST=1 prints the names of the tests.

pytest collects the tests, once here and once in each of its workers (../conftest.py), and runs them. The
last line is "N passed, N failed". The exit status is 0 if a test passed and none failed.
"""

import os
import shutil
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import pytest
from xdist.scheduler import LoadGroupScheduling

from bench import kernel, lanes, parts, sources, tables
from bench.paths import CACHE, CHECKOUT, NVDIMM, from_host, on_host
from bench.progress import Failed, locked, step, ticking
from bench.runs import Result, Run, durations
from bench.selection import Selection

KEPT_RUNS = 10
# pytest needs its terminal to explain a failed assertion, but the Recorder says what there is to say.
SILENT = ("-qq", "--no-header", "--no-summary", "-o", "console_output_style=classic")
# A guest keeps a core busy for two thirds of the time and needs 2 GiB.
PER_CORE, MOST_WORKERS, GUEST_KIB = 1.5, 6, 2 << 20


class Collector:
    """A plugin of pytest that keeps what was collected."""

    def __init__(self):
        self.tests, self.errors = [], []

    def pytest_collection_finish(self, session):
        """All is collected and selected."""
        self.tests = session.items

    def pytest_collectreport(self, report):
        """A module may not be importable."""
        if report.failed:
            self.errors.append(report.longreprtext)


class LongestFirst(LoadGroupScheduling):
    """Gives workers the groups in the order of collection. xdist would begin with those of many tests."""

    def _assign_work_unit(self, node):
        first = min(self.workqueue, key=lambda group: self.collection.index(next(iter(self.workqueue[group]))))
        self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)


class Recorder:
    """A plugin of pytest that writes the results of a run and says how far it is."""

    def __init__(self, tests, out, workers):
        self.out, self.workers, self.left = out, workers, defaultdict(dict)
        for test in tests:
            self.left[test.bench_group][test.bench_name] = test.bench_seconds
        self.groups = len(self.left)
        self.ran, self.running = {}, {}

    def record(self, result):
        """Append a result to the file; print a failure."""
        with open(self.out / "results", "a", encoding="utf-8") as file:
            file.write(result.line())
        if result.what == "fail":
            step(f"FAILED {result.name}{': ' if result.why else ''}{result.why}"
                 f"{'; see ' if result.log else ''}{on_host(self.out / result.log) if result.log else ''}")

    def pytest_runtest_logstart(self, nodeid):
        """A worker has begun a test."""
        group = nodeid.rpartition("@")[2]
        if group in self.left:
            self.running.setdefault(group, time.monotonic())

    def state(self):
        """What the workers do, for a line of progress."""
        now = time.monotonic()
        return ", ".join(f"{group.replace(':', '/')} {now - began:.0f} s" for group, began in self.running.items())

    def pytest_runtest_logreport(self, report):
        """A test or a test point has ended, or a phase of a test."""
        about = getattr(report, "bench", None)
        if about is None:
            self.record(Result("fail", report.nodeid, report.longreprtext.strip().rpartition("\n")[2], "check", ""))
            return
        itself = about["name"] == about["suite"]
        if itself and report.when != "setup" or report.failed:
            self._took(about, report)
        if report.when != "call" and report.passed or itself and about["points"] and report.passed:
            return
        what = {"passed": "pass", "failed": "fail", "skipped": "skip"}[report.outcome]
        if what == "skip" and hasattr(report, "wasxfail"):
            what = "xfail"
        self.record(Result(what, about["name"], about["why"], about["suite"], self._log(about, report)))

    def _log(self, about, report):
        """The file with a test's output; of a test that has none, what pytest says of its failure."""
        if not about["log"] and report.failed:
            about["log"] = f"{about['suite'].replace('/', '-')}.failure"
            (self.out / about["log"]).write_text(report.longreprtext + "\n")
        return about["log"]

    def _took(self, about, report):
        if report.when == "call":
            self.ran[about["suite"]] = round(report.duration if about["seconds"] is None else about["seconds"])
        tests = self.left.get(about["group"], {})
        if report.when != "teardown" or tests.pop(about["suite"], None) is None or tests:
            return
        del self.left[about["group"]]
        self.running.pop(about["group"], None)
        done = self.groups - len(self.left)
        step(f"done: {about['group'].replace(':', '/')}; {done} of {self.groups}, {self.time_left()} left")

    def time_left(self):
        """About how long the rest takes, judging by earlier runs."""
        groups = [sum(tests.values()) for tests in self.left.values()]
        seconds = max([sum(groups) / self.workers, *groups], default=0)
        return f"about {round(seconds / 60)} min" if seconds >= 60 else "less than a minute"

    def pytest_xdist_make_scheduler(self, config, log):
        """Who gives the workers their work."""
        return LongestFirst(config, log)

    def pytest_report_teststatus(self, report):
        """pytest itself prints nothing about a test."""
        return report.outcome, "", ""

    def save(self):
        """Write how long the tests took; the next check plans by the last measurement of each."""
        (self.out / "seconds").write_text("".join(f"{s}\t{name}\n" for name, s in self.ran.items()))
        known = durations() | self.ran
        (CACHE / "durations").write_text("".join(f"{name} {seconds}\n" for name, seconds in known.items()))


# --- what to run ----------------------------------------------------------------------------------

def options_of(selection):
    """pytest's options for a selection."""
    return ["--rootdir", str(NVDIMM), "-c", str(NVDIMM / "pytest.ini"), f"--pattern={selection.pattern}",
            f"--asked={' '.join(selection.asked)}", f"--tier={selection.tier}", str(NVDIMM)]


def collect(selection):
    """The tests that the selection finds, in the order in which they begin."""
    collector = Collector()
    pytest.main([*options_of(selection), "--collect-only", "-p", "no:terminal"], plugins=[collector])
    if collector.errors:
        raise Failed("pytest cannot collect the tests:\n" + "\n".join(collector.errors))
    if not collector.tests:
        where = f" in lane {' '.join(selection.named)}" if selection.named else ""
        raise Failed(f"no test's name matches '{selection.pattern}'{where};"
                     " make check LIST=1 prints the names of the default tier, TIER=full LIST=1 all")
    return collector.tests


def worker_count():
    """How many tests to run at a time."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    room = int(fields["MemAvailable"].split()[0]) // GUEST_KIB
    return max(1, min(int(len(os.sched_getaffinity(0)) * PER_CORE), room, MOST_WORKERS))


# --- the run --------------------------------------------------------------------------------------

def new_run():
    """Make the directory of a run, and let "check" in the cache lead to it."""
    out = CACHE / "results" / time.strftime(f"%Y%m%d-%H%M%S-{os.getpid()}", time.gmtime())
    out.mkdir(parents=True)
    latest = CACHE / "check"
    if latest.is_dir() and not latest.is_symlink():
        shutil.rmtree(latest)
    latest.unlink(missing_ok=True)
    latest.symlink_to(out.relative_to(CACHE))
    for old in sorted(out.parent.iterdir())[:-KEPT_RUNS]:
        shutil.rmtree(old)
    return out


def build(tests, record):
    """Build the lanes that the tests need. Return those that cannot be built."""
    failed = []
    needed = {lane for test in tests for lane in test.bench_lanes}
    for lane in filter(needed.__contains__, lanes.KNOWN):
        step(f"lane {lane}")
        try:
            kernel.build(lane)
            record(Result("pass", f"build/{lane}", "", f"build/{lane}", ""))
        except Failed as failure:
            failed.append(lane)
            print(failure)
            record(Result("fail", f"build/{lane}", str(failure).partition("\n")[0], f"build/{lane}", ""))
    return failed


def mount_xfstests():
    """Mount the caller's checkout of xfstests where guests with the Debian root find it."""
    directory = os.environ.get("XFSTESTS")
    if not directory:
        return
    if not os.access(from_host(directory) / "check", os.X_OK):
        raise Failed(f"XFSTESTS={directory} has no program check; set it to a built checkout of xfstests")
    subprocess.run(["mount", "--bind", from_host(directory), "/build"], check=True)


def run(selection, tests, out):
    """Build, test, report. Return whether a test passed and none failed."""
    # results of the same tree are compared
    tree = parts.digest(*(path for path in sorted(CHECKOUT.iterdir()) if path.name != ".git"))
    (out / "about").write_text(
        f"tree {tree}\nbegan {time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}\n"
        f"tier {selection.tier}\npattern {selection.pattern}\nlanes {' '.join(selection.lanes)}\n")
    workers = worker_count()
    without = build(tests, Recorder([], out, workers).record)
    tests = [test for test in tests if not set(test.bench_lanes) & set(without)]
    recorder = Recorder(tests, out, workers)
    step(f"{recorder.groups} tasks, {recorder.time_left()}")
    if tests:
        with ticking("running", recorder.state):
            pytest.main([*options_of(selection), *SILENT, f"--without={' '.join(without)}", f"--results={out}",
                         "-n", str(workers), "--dist=loadgroup", f"--junitxml={out}/junit.xml"], plugins=[recorder])
    recorder.save()
    for group in recorder.left:
        recorder.record(Result("fail", f"check/{group}", "it did not run to its end", "check", ""))
    return report(out)


def report(out):
    """Print the table, write a KTAP document for each lane, and print the verdict as the last line."""
    finished = Run(out)
    print("", *tables.summary(finished), sep="\n")
    for name, lines in tables.lane_documents(finished):
        (out / name).write_text("\n".join(lines) + "\n")
    passed, failed = tables.verdict(finished)
    print(f"results: {on_host(out / 'results')}, with the logs, junit.xml and KTAP")
    print(f"{passed} passed, {failed} failed", flush=True)
    return passed and not failed


def main(arguments):
    """Run the command check."""
    pattern, *asked = arguments or [""]
    if os.environ.get("XFSTESTS") and not pattern:
        pattern = "/xfstests$"
    selection = Selection(pattern, tuple(asked), os.environ.get("TIER", ""), bool(os.environ.get("KERNEL")))
    sources.source()
    tests = collect(selection)
    if os.environ.get("LIST"):
        print(*sorted({test.bench_name for test in tests}), sep="\n")
        return 0
    mount_xfstests()
    with locked(CACHE / "check.lock", "check in this cache"):
        return 0 if run(selection, tests, new_run()) else 1

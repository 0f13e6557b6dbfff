# SPDX-License-Identifier: GPL-2.0
"""What the bench adds to pytest: names, selection and order of the tests; guests; test points as reports.

The name of a test here is the id of its parameters ("integrated/dm") or, without any, that of module and function
("lint/rustfmt"). The unit tests of the tools, in the directories below, are "host/MODULE/FUNCTION".
"""

import os
import shutil
from pathlib import Path

import pytest

from bench import headers, lanes, runs
from bench.guest import Guest
from bench.selection import Selection

SELECTION = pytest.StashKey()
DURATIONS = pytest.StashKey()
# Seconds of a test that never ran, and of a guest without its scripts
UNKNOWN, BOOT = 30, 15


def pytest_addoption(parser):
    """The options of `make check`, which bench/check.py passes on."""
    group = parser.getgroup("rust-dax")
    group.addoption("--pattern", default="", help="only tests in whose names this expression is found")
    group.addoption("--asked", default="", help="the lanes that the caller names")
    group.addoption("--tier", default="", help="default or full")
    group.addoption("--without", default="", help="lanes that could not be built")
    group.addoption("--results", default="", metavar="DIR", help="the directory of the run")


def pytest_configure(config):
    """Read what the caller asked for, and how long tests took before."""
    option = config.option
    config.stash[SELECTION] = Selection(option.pattern, tuple(option.asked.split()), option.tier,
                                        bool(os.environ.get("KERNEL")))
    config.stash[DURATIONS] = runs.durations()
    config.addinivalue_line("markers", "lanes(lane, ...): the lanes that the test boots or looks at")


# --- names and order ------------------------------------------------------------------------------

def is_unit_test(item):
    """Whether it is a test of one of the tools: those of a module are a group."""
    return item.path.parent != item.config.rootpath


def name_of(item):
    """The name by which a person selects the test."""
    params = getattr(item, "callspec", None)
    module, own = item.path.stem.removeprefix("test_"), item.originalname.removeprefix("test_")
    if not is_unit_test(item):
        return params.id if params else f"{module}/{own}"
    number = f"[{','.join(map(str, params.indices.values()))}]" if params else ""
    return f"host/{module}/{own}{number}"


def script_of(item):
    """(lane, script) of a test that is a script of a guest, or None."""
    params = getattr(item, "callspec", None)
    return (params.params["guest"][0], params.params["script"]) if params and "script" in params.params else None


def estimate(item, known):
    """About how many seconds the test takes."""
    lane, script = script_of(item) or (None, None)
    if item.bench_name in known:
        return known[item.bench_name]
    if not script:
        return 0 if is_unit_test(item) else UNKNOWN
    return lanes.SLOWNESS.get(lane, 1) * known.get(f"integrated/{script.stem}", script.seconds // 3)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Leave out what is not selected. The longest groups come first; the scripts of a guest are a group."""
    selection, known = config.stash[SELECTION], config.stash[DURATIONS]
    unbuilt = set(config.option.without.split())
    chosen, left_out, groups = [], [], {}
    for item in items:
        item.bench_name = name_of(item)
        item.bench_lanes = lanes_of(item)
        script = script_of(item)
        wanted = selection.wants_script(*script) if script else selection.wants(item.bench_name)
        (chosen if wanted and not unbuilt & set(item.bench_lanes) else left_out).append(item)
    for item in chosen:
        mark = item.get_closest_marker("xdist_group")
        item.bench_group = mark.args[0] if mark else item.bench_name
        if is_unit_test(item):
            item.bench_group = item.bench_name.rpartition("/")[0]
        if not mark:
            item.add_marker(pytest.mark.xdist_group(item.bench_group))
        item.bench_seconds = estimate(item, known)
        groups[item.bench_group] = groups.get(item.bench_group, BOOT) + item.bench_seconds
    chosen.sort(key=lambda item: (-groups[item.bench_group], item.bench_group, is_last(item), item.bench_name))
    items[:] = chosen
    config.hook.pytest_deselected(items=left_out)


def is_last(item):
    """Whether the script has to be the last one of its guest."""
    script = script_of(item)
    return bool(script) and script[1].get("last") == "yes"


def lanes_of(item):
    """The lanes that have to be built for a test."""
    mark = item.get_closest_marker("lanes")
    named = list(mark.args) if mark else []
    params = item.callspec.params if hasattr(item, "callspec") else {}
    own = params["guest"][0] if "guest" in params else params.get("lane")
    return [*named, own] if own else named


# --- guests ---------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def results(request):
    """The directory of the run."""
    return Path(request.config.option.results or "/tmp")


@pytest.fixture(scope="session")
def guest(request, results):
    """The guest (LANE, BOOT), after it has run the scripts that were selected for it."""
    lane, boot = request.param
    scripts = [script_of(item)[1] for item in request.session.items
               if script_of(item) and item.callspec.params["guest"] == request.param]
    kunit = not scripts
    machine = Guest(lanes.directory(lane), scripts or [headers.read("which.sh")], name=f"check-{lane}-{boot}",
                    slow=patience(lane), quiet=True, kunit=kunit, verbose=bool(os.environ.get("V")),
                    **from_environment(scripts))
    logs = results / lane
    logs.mkdir(parents=True, exist_ok=True)
    machine.boot()
    for file in (machine.dmesg, *machine.run.glob("*.dmesg")):
        shutil.copy(file, logs / (f"{boot}.dmesg" if file == machine.dmesg else file.name))
    machine.discard()
    return machine


def patience(lane):
    """A timeout must end a hung script, never a slow one. FSX_OPS makes scripts run longer."""
    return 400 if os.environ.get("FSX_OPS") else lanes.PATIENCE.get(lane, 4)


def from_environment(scripts):
    """The options of a guest that the caller's variables ask for."""
    words = [f"fsx.{name.lower()}={os.environ[f'FSX_{name}']}" for name in ("OPS", "SEED")
             if os.environ.get(f"FSX_{name}")]
    if not any(script.get("needs") == "XFSTESTS" for script in scripts):
        return {"append": " ".join(words)}
    gib = int(os.environ.get("XFSTESTS_SIZE", "8G").removesuffix("G"))
    arguments = os.environ.get("XFSTESTS_ARGS", "-g quick")
    words += [f"memmap={gib}G!4G", f"memmap={gib}G!{4 + gib}G", f'xfstests.args="{arguments}"']
    return {"append": " ".join(words), "mem": f"{2 + 2 * gib}G"}


# --- reports --------------------------------------------------------------------------------------

@pytest.fixture
def log(request, results):
    """The file for the output of a test."""
    file = results / f"{request.node.bench_name.replace('/', '-')}.log"
    request.node.bench_log = file.name
    return file


@pytest.fixture
def points(request):
    """points(list of ktap.Point, FILE): report each test point of a document as a test of its own."""
    item = request.node

    def report_each(found, file=""):
        for point in found:
            item.ihook.pytest_runtest_logreport(report=report_of_point(item, point, file))
        item.bench_points = len(found)
    return report_each


def report_of_point(item, point, file):
    """pytest's report of a test point. xdist wants it to have the id of the item."""
    title = f"{point.number} {point.title}".strip() or "document"
    outcome = {"pass": "passed", "fail": "failed"}.get(point.what, "skipped")
    diagnostics = "\n".join([point.why, *point.log]).strip() or "not ok"
    said = {"passed": None, "failed": diagnostics, "skipped": (str(item.path), 0, point.why)}[outcome]
    report = pytest.TestReport(item.nodeid, item.location, {}, outcome, said, "call")
    if point.what == "xfail":
        report.wasxfail = point.why
    return described(report, item, f"{item.bench_name}/{title}", point.why, file)


def described(report, item, name, why, file):
    """Add to a report what the run records: name, reason, log, group; and whether points say the rest."""
    report.bench = {"name": name, "suite": item.bench_name, "why": why, "log": str(file),
                    "group": item.bench_group, "points": getattr(item, "bench_points", 0),
                    "seconds": getattr(item, "bench_took", None)}
    return report if hasattr(item.config, "workerinput") else renamed(report)


def renamed(report):
    """Give a report the id SUITE::TEST, which is what JUnit's file shows."""
    suite, name = report.bench["suite"], report.bench["name"]
    report.nodeid = f"{suite}::{name.removeprefix(suite).lstrip('/') or suite.rpartition('/')[2]}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Describe the report of a test itself."""
    report = yield
    why = str(call.excinfo.value) if call.excinfo else ""
    return described(report, item, item.bench_name, why.partition("\n")[0], getattr(item, "bench_log", ""))


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable():
    """Rename the reports that arrive from the workers."""
    report = yield
    return renamed(report) if hasattr(report, "bench") else report

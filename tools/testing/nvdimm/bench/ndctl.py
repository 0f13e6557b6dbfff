# SPDX-License-Identifier: GPL-2.0
"""Builds ndctl's own tests from Debian's source, and prints a table of their results.

The part ndctl/source of the cache is the unmodified source, with meson's directory "build". The file "tests"
there has a line for each test: suite, name, environment and command, separated by tabs.
"""

import json
import re
import subprocess
from pathlib import Path

from bench import logs, parts, tables
from bench.paths import CACHE, on_host
from bench.progress import Failed, last_line, run, step
from bench.sources import APT_SOURCES

SOURCE = CACHE / "ndctl/source"
# By the root's apt, which knows the mirror, with a source list of our own. --tar-only: the build does not
# need Debian's packaging, which some mirrors lack. destructive: also the tests that write to other devices
# than nfit_test's.
BUILD = f"""set -e
work=$PWD source=$1 package=$2 version=$3
mkdir -p lists/partial
sed 's/^Types:.*/Types: deb-src/' {APT_SOURCES} >debian.sources
apt() {{
    apt-get -q -o Dir::Etc::SourceParts="$work" -o Dir::Etc::SourceList=/dev/null \\
        -o Dir::State::Lists="$work/lists" -o APT::Sandbox::User=root "$@"
}}
apt update
apt --tar-only --download-only source "ndctl=$package"
tar -C "$source" --strip-components=1 -xf "ndctl_$version.orig.tar.gz"
meson setup "$source/build" "$source" -Dversion-tag="$version" -Dtest=enabled -Ddestructive=enabled \\
    -Ddocs=disabled -Dsystemd=disabled -Dbashcompletiondir=no
meson compile -C "$source/build"
meson introspect --tests "$source/build" >tests
"""


def build():
    """Build the tests, unless the cache has them."""
    package = subprocess.run(["dpkg-query", "-W", "-f", "${source:Version}", "ndctl"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    key = parts.digest(package, Path(__file__))
    if parts.current(SOURCE, key):
        return
    step(f"getting ndctl {package} and building its tests")
    work, log = parts.empty(CACHE / "ndctl/work"), CACHE / "ndctl/log"
    # meson's directory records its path, so it is not made elsewhere and renamed
    parts.beside(SOURCE, "stamp").unlink(missing_ok=True)
    parts.remove(SOURCE)
    SOURCE.mkdir()
    log.write_text("")
    if run(["sh", "-c", BUILD, "sh", SOURCE, package, package.rpartition("-")[0]], log, "ndctl", cwd=work):
        raise Failed(f"ndctl cannot be built ({last_line(log)}); the whole log is {on_host(log)}")
    with open(SOURCE / "build/tests", "w", encoding="utf-8") as file:
        for test in json.loads((work / "tests").read_text()):
            environment = " ".join(f"{name}={value}" for name, value in test["env"].items())
            print(test["suite"][0], test["name"], environment, *test["cmd"], sep="\t", file=file)
    parts.remove(work)
    parts.beside(SOURCE, "stamp").write_text(key)


def results(lane):
    """{test: (suite, result, seconds)} of the last check of a lane."""
    found = {}
    for suite in ("ndctl", "dax"):
        output = CACHE / f"run/check-{lane}-ndctl-suite-{suite}/output"
        if not output.exists():
            raise Failed(f"lane {lane} has not run suite {suite}: make check T=/ndctl-suite LANE={lane}")
        text = "\n".join(logs.read(output))
        times = re.findall(r"^# seconds (\S+) (\S+)", text, re.MULTILINE)
        seconds = {name: float(time) for time, name in times}
        for bad, name, rest in re.findall(r"^(not )?ok \d+ (\S+)(.*)", text, re.MULTILINE):
            result = "listed" if "# SKIP" in rest else "**failed**" if bad else "passed"
            found[name] = (suite, result, seconds.get(name, 0))
    return found


def main(lanes):
    """LANE...: print a table for Documentation of the results in the last check of these lanes, with their
    times as multiples of the first lane's."""
    first, *others = map(results, lanes)
    rows = [["test", "suite", lanes[0], *(cell for lane in lanes[1:] for cell in (lane, "time"))]]
    for name, (suite, result, base) in first.items():
        rows.append([name, suite, result])
        for other in others:
            _, result, seconds = other.get(name, ("", "", 0))
            rows[-1] += [result, f"{seconds / base:.1f}" if base > 4 else "-"]
    print(*tables.grid(rows), sep="\n")

# SPDX-License-Identifier: GPL-2.0
"""Builds those of the kernel's selftests of mm that work on files, and records their results where all is
C."""

import re
import tempfile
from pathlib import Path

from bench import parts, paths
from bench.paths import CACHE, NVDIMM, SELFTESTS
from bench.progress import Failed, run, step

# The other programs of that directory use anonymous memory, shmem or hugetlbfs only, so their results do
# not depend on DAX.
PROGRAMS = """cow guard-regions gup_longterm gup_test khugepaged map_populate memory-failure merge
    pagemap_ioctl rmap split_huge_page_test""".split()
# Copied first, because the build writes into their directory.
COPY = """set -e
cd /cache/src/linux
mkdir -p "$1/headers" "$1/linux"
make -s O="$1/headers" headers
{
    find tools/include tools/testing/selftests/mm -type f
    find tools/testing/selftests -name '*.h'
    echo mm/gup_test.h
    echo tools/testing/selftests/lib.mk
    echo tools/testing/selftests/x86/check_cc.sh
} | cpio --quiet -pdm "$1/linux"
"""


def build():
    """Build them, linked statically, unless the cache has them. Return their directory."""
    made = CACHE / "programs/mm"
    key = parts.digest(Path(__file__), NVDIMM / "versions", Path("/var/lib/dpkg/status"))
    if parts.current(made, key):
        return made
    step("compiling the kernel's selftests of mm")
    out, log = parts.empty(made), parts.beside(made, "log")
    log.write_text("")
    with tempfile.TemporaryDirectory() as work:
        make = ["make", "-s", "-C", f"{work}/linux/tools/testing/selftests/mm", f"OUTPUT={out}",
                "USERLDFLAGS=-static -s", f"KHDR_INCLUDES=-isystem {work}/headers/usr/include",
                *[out / name for name in PROGRAMS]]
        if run(["sh", "-c", COPY, "sh", work], log, "copying") or run(make, log, "selftests of mm"):
            raise Failed(f"the selftests do not compile; see {paths.on_host(log)}")
    parts.install(made, key)
    return made


def main(arguments):
    """[LANE]: run them in a lane (ctwin), and write their results to selftests/dax/mm-baseline."""
    from bench import guest, headers, kernel  # pylint: disable=import-outside-toplevel
    build, baseline = kernel.built(*arguments or ["ctwin"]), SELFTESTS / "mm-baseline"
    booted = guest.Guest(build, [headers.read("mm-files.sh")], name="mm-record", slow=4, append="mm.record",
                         quiet=True).boot()
    results = sorted(re.findall(r"^record: (.*)", booted.output.read_text(), re.MULTILINE))
    if not any(line.endswith(" subtests") for line in results):
        raise Failed(f"nothing was recorded; see {paths.on_host(booted.output)}")
    comments = [line for line in baseline.read_text().splitlines() if line.startswith("#")]
    whys = [why for line in comments for why in re.findall("^# why: (.*) -- ", line)]
    for line in results:
        if not line.endswith(" subtests") and not any(re.search(why, line) for why in whys):
            print(f"{line}: it does not pass; add a line '# why: REGEX -- REASON' to mm-baseline")
    baseline.write_text("\n".join([*comments, *results]) + "\n")
    programs = sum(line.endswith(" subtests") for line in results)
    print(f"{programs} programs recorded in {paths.on_host(baseline)}")

# SPDX-License-Identifier: GPL-2.0
"""The command demo [LANE]: a guest writes files to ext4 and xfs on two pmem devices; after a power cycle another
one verifies every byte over the same memory. The running guest tells which components are Rust; they must be
those of the lane."""

import re
import shutil
import time

from bench import headers, kernel, lanes
from bench.guest import Guest
from bench.paths import on_host
from bench.progress import BEGAN, Failed, step


def boot(lane, script, what, **options):
    """Run one script of the demo in a guest."""
    step(what)
    guest = Guest(lanes.directory(lane), [headers.read(script)], name=f"demo-{lane}", slow=4, **options).boot()
    if guest.status(guest.scripts[0]) != 0 or guest.fate or guest.problems:
        found = guest.fate or guest.problems or f"status {guest.status(guest.scripts[0])}"
        raise Failed(f"the demo failed: {found}; kernel log and output are in {on_host(guest.run)}")
    return guest


def main(arguments):
    """[LANE]"""
    lane = arguments[0] if arguments else "integrated"
    kernel.build(lane)
    first = boot(lane, "demo-write.sh", f"first boot: a guest with two pmem regions, lane {lane}")
    shutil.copy(first.output, first.run / "output.write")
    guest = boot(lane, "demo-verify.sh", "second boot, after a power cycle, over the same memory", keep=True)
    output = guest.output.read_text(errors="replace")
    # evidence: COMPONENT KIND (why)
    evidence = re.findall(r"^ *evidence: (([a-z0-9]+) +(rust|c|both|absent) .*)$", output, re.MULTILINE)
    release = re.search(r"evidence: kernel ([^,]*),", output)
    print(f"\nSummary, lane {lane}, Linux {release[1] if release else '?'}:", *(f"  {e[0]}" for e in evidence), sep="\n")
    found, promised = {e[1]: e[2] for e in evidence}, lanes.components(lane)
    if found != promised:
        raise Failed(f"lane {lane} promises {promised}, the running guest shows {found}")
    written = re.findall(r"([0-9]+ files and directories), ([0-9]+ bytes): all as written", output)
    if not written:
        raise Failed("the guest compared nothing")
    print("  ext4 and xfs, mounted -o dax:", *(f"{files}, {size};" for files, size in written),
          "every byte as written before the power cycle")
    print(f"  {time.monotonic() - BEGAN:.0f} seconds; the guest's memory, kernel log and output are in "
          f"{on_host(guest.run)}")
    return 0

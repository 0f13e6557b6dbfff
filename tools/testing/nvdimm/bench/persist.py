# SPDX-License-Identifier: GPL-2.0
"""The persistence checker, a plugin of QEMU: builds it, and shows what it found of lanes."""

import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

from bench import parts
from bench.paths import CACHE, NVDIMM, on_host
from bench.progress import Failed, locked

SOURCES = NVDIMM / "persist"
CARGO = ["--quiet", "--locked", "--release", "--manifest-path"]
HEAD = ("stores", "streaming", "written", "redundant", "fences", "lost")
LEGEND = """
stores, streaming: stores to a line through the cache and past it; written, redundant: lines written
back, and those of them that had nothing to write; lost: lines that were not durable when asked"""


def plugin():
    """Build the plugin, unless the cache has one of the same sources. Return its path."""
    key = parts.digest(SOURCES / "src", *SOURCES.glob("Cargo.*"), NVDIMM / "versions")
    made = CACHE / f"programs/{key}.so"
    made.parent.mkdir(exist_ok=True)
    with locked(CACHE / "initramfs.lock", "guest that builds the checker"):
        if not made.exists():
            if subprocess.run(["cargo", "build", *CARGO, SOURCES / "Cargo.toml"], check=False).returncode:
                raise Failed("the persistence checker cannot be built; see the messages above, "
                             "and check that cargo reaches its registry")
            new = parts.beside(made, "new")
            new.write_bytes(Path(os.environ["CARGO_TARGET_DIR"], "release/libpersist.so").read_bytes())
            new.rename(made)
    return made


def scenarios(title, rows):
    """The lines of a table: the checker's counts of each scenario."""
    lost = Counter(row[1] for row in rows if row[0] == "lost")
    yield f"\n{title:70} " + " ".join(f"{name:>9}" for name in HEAD)
    for name, *numbers in (row[1:7] for row in rows if row[0] == "counts"):
        short = re.sub("^/(mnt|dev/mapper|dev)/", "", name)
        yield f"{short:70} " + " ".join(f"{number:>9}" for number in (*numbers, lost[name]))


def cuts(rows):
    """A line about the images of power cuts."""
    images = [int(row[3]) for row in rows if row[0] == "image"]
    events = sum(int(row[1]) for row in rows if row[0] == "recorded")
    yield (f"{len(images)} images of power cuts during {events} stores, write-backs and fences; "
           f"on average {sum(images) / max(1, len(images)):.0f} lines could have had other contents")


def picture(lane, run):
    """Draw the states of the lines: make a page of the checker's timeline, and return its path."""
    symbols = CACHE / f"lane/{lane}/System.map"
    with open(run / "lines.html", "wb") as page:
        subprocess.run(["cargo", "run", *CARGO, SOURCES / "picture/Cargo.toml", "--",
                        f"Lines of persistent memory, lane {lane}", run / "timeline",
                        *([symbols] if symbols.exists() else [])], stdout=page, check=True)
    return run / "lines.html"


def main(arguments):
    """LANE...: test in these lanes (integrated) if synced data is durable and survives power cuts. Print the
    checker's counts of each scenario and the number of crash images, and draw the states of the lines."""
    from bench import check  # pylint: disable=import-outside-toplevel
    began, lanes = time.time(), arguments or ["integrated"]
    status = check.main(["/(persist(-devices)?|crash(-many)?)$", *lanes])

    def written(file):
        """Whether this check wrote the file; others are of an earlier one."""
        return file.exists() and file.stat().st_mtime >= began

    for lane in lanes:
        run = {name: CACHE / f"run/check-{lane}-{name}"
               for name in ("persist", "persist-devices", "crash", "crash-many")}
        rows = {name: [line.split("\t") for line in (path / "report").read_text().splitlines()]
                for name, path in run.items() if written(path / "report")}
        for name in rows.keys() - {"crash", "crash-many"}:
            print(*scenarios(f"{lane}/{name}", rows[name]), sep="\n")
        crashes = rows.get("crash", []) + rows.get("crash-many", [])
        print(*(cuts(crashes) if crashes else ()), sep="\n")
        if written(run["persist"] / "timeline"):
            print("\na picture of each scenario, for a browser:", on_host(picture(lane, run["persist"])))
    print(LEGEND)
    return status

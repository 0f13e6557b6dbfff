# SPDX-License-Identifier: GPL-2.0
"""Parts of the cache: each is made as NAME.tmp and renamed when it is complete. NAME.stamp says from what.

So a killed run leaves no incomplete part behind, and a second run does nothing.
"""

import hashlib
import subprocess
from pathlib import Path

from bench import paths
from bench.progress import Failed


def digest(*sources):
    """A name for the content of these texts and files; of a directory, of all files in it."""
    total = hashlib.sha256()
    for source in sources:
        if not isinstance(source, Path):
            total.update(f"{source}\0".encode())
            continue
        files = sorted(file for file in source.rglob("*") if file.is_file()) if source.is_dir() else [source]
        for file in files:
            total.update(f"{file.relative_to(source)}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:32]


def beside(part, suffix):
    """The file NAME.SUFFIX of a part."""
    return part.with_name(f"{part.name}.{suffix}")


def text(file):
    """What the file says; nothing if there is none."""
    return file.read_text().strip() if file.exists() else ""


def current(part, key):
    """Whether the part exists and was made from what KEY stands for."""
    return part.exists() and text(beside(part, "stamp")) == key


def remove(path):
    """Remove a file or directory, but nothing on another file system."""
    subprocess.run(["rm", "-rf", "--one-file-system", path], stderr=subprocess.DEVNULL, check=False)
    if path.exists():
        raise Failed(f"{paths.on_host(path)} cannot be removed; is something mounted below it?")


def empty(part):
    """NAME.tmp as a new directory, in which the part is to be made."""
    made = beside(part, "tmp")
    remove(made)
    made.mkdir(parents=True)
    return made


def install(part, key):
    """Rename NAME.tmp to NAME and write its stamp."""
    beside(part, "stamp").unlink(missing_ok=True)
    old = beside(part, "old")
    remove(old)
    if part.exists():
        part.rename(old)
    beside(part, "tmp").rename(part)
    beside(part, "stamp").write_text(f"{key}\n")
    remove(old)

# SPDX-License-Identifier: GPL-2.0
"""Where things are in the Debian root, and how to name them to a person on the host."""

import os
import subprocess
from pathlib import Path

CHECKOUT = Path("/rust-dax")
NVDIMM = CHECKOUT / "tools/testing/nvdimm"
SELFTESTS = CHECKOUT / "tools/testing/selftests/dax"
CACHE = Path("/cache")
LINUX = CACHE / "src/linux"
HOST = Path("/host")


def on_host(path):
    """The path as a person on the host has to type it."""
    path = Path(path)
    for inside, variable in ((CACHE, "RUST_DAX_HOST_CACHE"), (CHECKOUT, "RUST_DAX_HOST_CHECKOUT"), (HOST, "")):
        if path.is_relative_to(inside):
            outside = os.environ.get(variable, "/") if variable else "/"
            return str(Path(outside) / path.relative_to(inside))
    return str(path)


def from_host(text):
    """The path in the root of what a person on the host calls TEXT, past its symbolic links."""
    path = os.path.join(os.environ.get("RUST_DAX_HOST_PWD", "/"), text)
    said = subprocess.run(["chroot", HOST, "readlink", "-m", path], stdout=subprocess.PIPE, text=True,
                          check=True)
    return HOST / said.stdout.rstrip("\n").lstrip("/")


def versions():
    """The file ../versions: NAME=VALUE lines, which ../environment reads as shell."""
    lines = (NVDIMM / "versions").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name: value.strip("'\"") for name, _, value in pairs}

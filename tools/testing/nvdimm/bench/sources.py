# SPDX-License-Identifier: GPL-2.0
"""The kernel source, and Debian's binary kernel of the same version for the lane stock."""

import re
import shutil
import subprocess

from bench import parts, paths
from bench.progress import Failed, locked, run, step

STOCK = paths.CACHE / "stock"
APT_SOURCES = "/etc/apt/sources.list.d/debian.sources"


def explain(log):
    """Why apt failed, by its log."""
    lines = log.read_text(errors="replace").splitlines()
    line = next((line for line in reversed(lines) if re.match("(E|W|Err):", line) or "rror" in line), "")
    if re.search("o space|free space", line):
        return f"no space left in {paths.on_host(paths.CACHE)}; free some or set RUST_DAX_CACHE"
    if re.search("esolve|onnect|etwork|etriev|imed out|etch|ownload|etting release", line):
        with open(APT_SOURCES, encoding="utf-8") as file:
            mirror = re.search("^URIs: (.*)", file.read(), re.MULTILINE)[1]
        return (f"cannot download from {mirror}; check the network and apt's configuration "
                f"({line.removeprefix('E: ')})")
    return f"{line or 'it ended without a message'}; see {paths.on_host(log)}"


def size(directory):
    """How far it is unpacked, for a line of progress."""
    said = subprocess.run(["du", "-sm", directory], capture_output=True, text=True, check=False)
    return f"{said.stdout.split()[0]} MiB"


def source():
    """Unpack the kernel source, unless the cache has it."""
    key = paths.versions()["KERNEL_PACKAGE_VERSION"]
    with locked(paths.CACHE / "environment.lock", "run that is making the environment"):
        if parts.current(paths.LINUX, key):
            return
        step("unpacking the kernel source")
        made, log = parts.empty(paths.LINUX), paths.CACHE / "source.log"
        package = f"/usr/src/{paths.versions()['KERNEL_SOURCE_PACKAGE']}.tar.xz"
        unpack = ["tar", "-C", made, "--strip-components=1", "-xf", package]
        if run(unpack, log, "unpacking", lambda: size(made)):
            raise Failed(f"cannot unpack the kernel source: {explain(log)}")
        parts.install(paths.LINUX, key)
        parts.remove(paths.CACHE / "src/integrated-by")


def stock():
    """Get and unpack Debian's binary kernel, unless the cache has it: image, modules, and headers."""
    key, release = (paths.versions()[name] for name in ("KERNEL_PACKAGE_VERSION", "STOCK_RELEASE"))
    with locked(paths.CACHE / "environment.lock", "run that is making the environment"):
        if parts.current(STOCK, key):
            return
        free = shutil.disk_usage(paths.CACHE).free >> 20
        if free < 3000:
            raise Failed(f"{paths.on_host(paths.CACHE)} has {free} MiB free, 3000 MiB are needed; "
                         "free some or set RUST_DAX_CACHE")
        step(f"getting Debian's kernel {release}")
        made, log = parts.empty(STOCK), paths.CACHE / "stock.log"
        log.write_text("")
        packages = [f"linux-{part}-{release}={key}" for part in ("binary", "modules", "base", "headers")]
        steps = [["apt-get", "-q", "update"],
                 ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *packages],
                 ["sh", "-ec", 'for package in *.deb; do dpkg-deb -x "$package" .; rm "$package"; done']]
        for command in steps:
            if run(command, log, "packages", lambda: size(made), cwd=made):
                raise Failed(explain(log))
        if not (made / "lib").exists():
            (made / "lib").symlink_to("usr/lib")
        parts.install(STOCK, key)
        step("Debian's kernel is unpacked")


def main(_arguments):
    """Make both."""
    source()
    stock()

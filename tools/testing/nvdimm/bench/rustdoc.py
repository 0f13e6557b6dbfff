# SPDX-License-Identifier: GPL-2.0
"""Makes the documentation of the crates, as HTML in the cache. It has to come without a warning."""

import os
import subprocess

from bench import kernel, paths
from bench.paths import CACHE, LINUX, NVDIMM
from bench.progress import Failed


def main(_arguments):
    """Make it; links into the kernel's source lead to that in the cache."""
    kernel.build("integrated")
    command = [NVDIMM / "replay/rustdoc.py", CACHE / "stage/integrated", CACHE / "rustdoc"]
    if subprocess.run(kernel.inside(CACHE / "build/lane-integrated", command), check=False,
                      env=os.environ | {"KERNEL_SOURCE": paths.on_host(LINUX)}).returncode:
        raise Failed("rustdoc complains of the documentation")
    print(*map(paths.on_host, sorted((CACHE / "rustdoc").glob("*/index.html"))), sep="\n")

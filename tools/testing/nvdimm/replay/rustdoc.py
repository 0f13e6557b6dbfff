#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""rustdoc SOURCES [DIRECTORY]: makes the documentation of each crate, all of its links whole.

As `make rustdoc` of the kernel does (rust/Makefile): with the flags of the build, and with links
to files of the kernel, srctree/..., that lead to its source. Items of the kernel's crates have
their documentation where the kernel publishes it. Of the components, which export nothing to
other crates, private items are documented too.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from recorded import ROOTS, Recorded, copy_sources

PUBLISHED = "https://rust.docs.kernel.org"
ELSEWHERE = ("core", "kernel", "pin_init", "macros", "ffi", "zerocopy")
KERNEL = Path("/cache/src/linux")
LINK = re.compile(r'<a href="srctree/([^"#]+)')


def document(name, tree, to):
    """Makes the documentation of a crate; whether that went without a warning."""
    recorded = Recorded(name)
    flags = [*recorded.flags, "-Zunstable-options", "-Dwarnings",
             "-Drustdoc::broken_intra_doc_links", "--crate-name", name, "--output", str(to)]
    for crate in ELSEWHERE:
        flags += ["--extern-html-root-url", f"{crate}={PUBLISHED}"]
    if name == "kernel_ext":
        # what only the modules' own kernel_ext has is documented with the rest
        flags += ["--cfg", 'CONFIG_LIBNVDIMM="y"']
    else:
        flags += ["--document-private-items", "-Arustdoc::private_intra_doc_links"]
    said = subprocess.run(["rustdoc", *flags, tree / recorded.root], check=False, text=True,
                          env={**os.environ, **recorded.environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(f"rustdoc: {recorded.root}\n{said.stdout.replace(f'{tree}/', '')}", end="", flush=True)
    return said.returncode == 0


def lead_to_source(to, kernel):
    """Makes srctree/ links lead to KERNEL; the names of those that lead nowhere."""
    for file in to.rglob("*.html"):
        text = file.read_text()
        wanted = set(LINK.findall(text))
        if wanted:
            yield from (name for name in wanted if not (KERNEL / name).exists())
            file.write_text(LINK.sub(rf'<a href="{kernel}/\1', text))


def main(sources, to, kernel):
    """1 if there was a warning. What was made before in TO is replaced."""
    with tempfile.TemporaryDirectory() as directory:
        tree, made = Path(directory) / "tree", Path(directory) / "doc"
        copy_sources(sources, tree)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            good = list(pool.map(lambda name: document(name, tree, made), ROOTS))
        broken = sorted(set(lead_to_source(made, kernel)))
        for name in broken:
            print(f"srctree/{name}: there is no such file in the kernel's source")
        if to:
            shutil.rmtree(to, ignore_errors=True)
            shutil.copytree(made, to)
    return 0 if all(good) and not broken else 1


if __name__ == "__main__":
    os.chdir("/build")
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None,
                  os.environ.get("KERNEL_SOURCE", KERNEL)))

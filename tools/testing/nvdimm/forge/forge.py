#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""forge SOURCES [NAME]...: safe code cannot forge evidence. Compiles each attempt NAME.rs beside this.

An attempt becomes a module of the crate that it names, in a copy of the product, or of a crate of
its own that uses kernel_ext ("user"). The module may not have unsafe code. Compiled with the
recorded flags, it has to get the errors that its lines are marked with, and no others. With the
cfg `control` the same file has to compile: that its imports and the tools are right is shown so.
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "replay"))

from attempt import Attempt, errors, judge  # pylint: disable=wrong-import-position
from recorded import Recorded, copy_sources  # pylint: disable=wrong-import-position

USER = """\
// SPDX-License-Identifier: GPL-2.0

//! Any driver.
#[allow(dead_code)]
const __LOG_PREFIX: &[u8] = b"user\\0";
"""


def crate_with(attempts, tree, root):
    """The text of the crate's root with these attempts as modules."""
    text = USER if root is None else (tree / root).read_text()
    for attempt in attempts:
        text += f'\n#[forbid(unsafe_code)]\n#[path = "{attempt.file}"]\nmod forge_{attempt.name};\n'
    return text


def compiled(tree, crate, attempts, *flags):
    """rustc's errors for the crate with these attempts in it."""
    recorded = Recorded("kernel_ext" if crate == "user" else crate)
    root = None if crate == "user" else recorded.root
    flags = [*recorded.flags, *flags]
    if root is None:
        flags += recorded.search_kernel_ext()
    directory = (tree / root).parent if root else tree
    name = f"forge_{attempts[0].name}{'_control' if '--cfg=control' in flags else ''}"
    file = directory / f"{name}.rs"
    file.write_text(crate_with(attempts, tree, root))
    said = subprocess.run(
        ["rustc", *flags, "--error-format=short", "--crate-name", crate,
         "--emit=metadata", "-o", tree / f"{name}.rmeta", file],
        env={**os.environ, **recorded.environment}, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, check=False)
    return errors(said.stderr, said.returncode)


def controls(tree, crate, attempts):
    """What is wrong with the controls of a crate, which are compiled together."""
    for _, _, _, text in compiled(tree, crate, attempts, "--cfg=control"):
        yield f"{crate}: a control does not compile:\n{text}"


def main(sources, names):
    """1 if an attempt succeeds, or fails for another reason than it is to."""
    files = [HERE / f"{name}.rs" for name in names] or sorted(HERE.glob("*.rs"))
    attempts = [Attempt(file) for file in files]
    if not attempts:
        sys.exit(f"there is no attempt in {HERE}")
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(os.cpu_count()) as pool:
        tree = Path(directory)
        copy_sources(sources, tree)
        crates = {a.crate: [b for b in attempts if b.crate == a.crate] for a in attempts}
        tried = [(f"control of {crate}", pool.submit(lambda c, m: list(controls(tree, c, m)), crate, members))
                 for crate, members in crates.items()]
        tried += [(a.file.name, pool.submit(lambda a: list(judge(a, compiled(tree, a.crate, [a]))), a))
                  for a in attempts]
        bad = 0
        for name, result in tried:
            complaints = result.result()
            print("\n".join(complaints) or f"{name}: as it should be")
            bad += len(complaints)
    print(f"{len(attempts)} attempts to forge evidence, {bad} complaints")
    return 1 if bad else 0


if __name__ == "__main__":
    os.chdir("/build")
    sys.exit(main(sys.argv[1], sys.argv[2:]))

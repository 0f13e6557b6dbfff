#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""circles TREE: no file of a component uses a file that uses it, directly or through others.

What matters is who needs whom in order to be understood: file A uses file B if a path in code of A leads
to an item that is defined in B, or if A calls a macro of B. rustc resolves the paths (-Zunpretty=hir-tree),
with the flags of the kernel build. Use declarations by themselves are no use, nor is `mod child;`; a child
that names an item of its parent's file uses that file. Methods are not followed: at that stage the compiler
has no types. Tests are left out, and THIS_MODULE, which each driver has in its first file: it stands for the
module as a whole.
"""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "replay"))

from recorded import ROOTS, Recorded  # pylint: disable=wrong-import-position

TESTS = {"test", "tests", "test.rs", "tests.rs"}
# The crate in vmlinux lacks a file that only the modules' own kernel_ext has.
WHOLE = {"kernel_ext": ("--cfg", 'CONFIG_LIBNVDIMM="y"')}
# In what rustc prints: whose code follows, the file of a module, and a path with what it leads to.
OWNER = re.compile(r"owner_id: DefId\(0:\d+ ~ \w+\[\w+\]([^)\s]*)\)")
MODULE = re.compile(r"inner_span: (/[^:]+):")
PATH = re.compile(r"span: (/[^:]+):(\d+):.*\n *res: Def\([^~]*DefId\(0:\d+ ~ \w+\[\w+\]([^)\s]*)\)")


def resolved(root, flags, environment=None):
    """What rustc prints of the crate with this root file."""
    return subprocess.run(["rustc", *flags, "-Zunpretty=hir-tree", root], check=True, text=True,
                          env={**os.environ, "RUSTC_BOOTSTRAP": "1", **(environment or {})},
                          stdout=subprocess.PIPE).stdout


def graph(hir):
    """{file: {file that it uses: line of the first use}}"""
    owners = [(OWNER.search(part)[1], part) for part in hir.split("OwnerInfo {\n")[1:]]
    files = {path: Path(found[1]) for path, part in owners[1:] if (found := MODULE.search(part))}
    files[""] = Path(MODULE.search(owners[0][1])[1])

    def file_of(path):
        while path not in files:
            path = path.rpartition("::")[0]
        return files[path]

    owners = [(path, part) for path, part in owners if not TESTS & set(path.split("::"))]
    edges = {file_of(path): {} for path, _ in owners}
    for path, part in owners:
        here = file_of(path)
        for name, line, target in PATH.findall(part):
            # A path in the code that a macro made stands in the macro's file; it may lead back to that code.
            written, there = Path(name), file_of(target)
            for file, other in ((here, written), (here if there == here else written, there)):
                if file != other and {file, other} <= edges.keys() and not target.endswith("::THIS_MODULE"):
                    edges[file][other] = min(int(line), edges[file].get(other, int(line)))
    return edges


def circles(edges):
    """Circles, no two with a use in common, as lists of files that end with the first one."""
    edges = {file: set(others) for file, others in edges.items()}
    while True:
        try:
            TopologicalSorter(edges).prepare()
            return
        except CycleError as error:
            circle = error.args[1][::-1]
            for file, other in zip(circle, circle[1:]):
                edges[file].remove(other)
            yield circle


def unread(directory, edges):
    """The files of a crate's directory that are no modules of it; tests may be."""
    for file in sorted(directory.rglob("*.rs")):
        if file not in edges and not TESTS & set(file.relative_to(directory).parts) and \
                not file.name.endswith("_generated.rs"):
            yield file


def report(directory, edges):
    """The circles of one component, and what else is wrong, as text."""
    for file in unread(directory, edges):
        yield f"{file}: no module of the component declares this file"
    for circle in circles(edges):
        yield "files that use each other; move what both need to a file of its own: " + \
            " -> ".join(str(file.relative_to(directory)) for file in circle)
        for file, other in zip(circle, circle[1:]):
            line = edges[file][other]
            yield f"    {file}:{line}: {file.read_text().splitlines()[line - 1].strip()}   [{other.name}]"


def component(tree, name):
    """The report of one of the crates, as a list."""
    build, root = Recorded(name), Path(tree) / ROOTS[name]
    hir = resolved(root, [*build.flags, *WHOLE.get(name, ())], build.environment)
    return list(report(root.parent, graph(hir)))


def main(tree):
    """1 if there is a circle."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [line for lines in pool.map(lambda name: component(tree, name), ROOTS) for line in lines]
    print("\n".join(found).replace(f"{tree}/", "") or "no circle")
    return 1 if found else 0


if __name__ == "__main__":
    os.chdir("/build")
    sys.exit(main(sys.argv[1]))

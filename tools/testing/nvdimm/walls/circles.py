#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""circles TREE: no file of a component uses a file that uses it, directly or through others.

`cargo modules` needs a package that cargo can resolve, and reports modules: a parent that names its
children would be a circle. What matters is who needs whom in order to be understood, so this is a
script over the sources. File A uses file B if code of A names an item that is defined in B, in a use
declaration or by a path. A use leads through re-exports to the definition. `mod child;` is no use,
and neither is a re-export of which the file itself makes no use; a child that names an item of its
parent's file uses that file. Methods are not followed, because that takes types. Tests are left out,
and THIS_MODULE, which each driver has in its first file: it stands for the module as a whole.
"""

import sys
from collections import defaultdict
from pathlib import Path

import modules

COMPONENTS = {
    "rust": "rust/kernel_ext.rs",
    "drivers/dax": "drivers/dax/dax_core.rs",
    "drivers/nvdimm/pmem": "drivers/nvdimm/pmem/nd_pmem.rs",
    "drivers/nvdimm/e820": "drivers/nvdimm/e820/nd_e820.rs",
    "fs/dax": "fs/dax/fs_dax.rs",
}


def lookup(module, name, seen, guess=False):
    """What NAME is in MODULE: a module, the file of an item, or None if it is not of this crate.

    With GUESS, a name that is not known there is one that a macro defines.
    """
    if name == "THIS_MODULE":
        return None
    if name in module.items:
        return module.file
    if name in module.children:
        return module.children[name]
    if (id(module), name) in seen:
        return None
    seen = seen | {(id(module), name)}
    for leaf in module.imports:
        if leaf.name == name:
            return resolve(module, leaf.path, seen)
    for leaf in module.imports:
        if leaf.name == "*":
            target = resolve(module, leaf.path, seen)
            found = lookup(target, name, seen) if isinstance(target, modules.Module) else None
            if found:
                return found
    return module.file if guess else None


def resolve(module, path, seen=frozenset()):
    """Like lookup, for a PATH that code of MODULE names."""
    at, relative = module, True
    for segment in path:
        if segment == "crate":
            at = module.root()
        elif segment == "super":
            at = at.parent
        elif segment != "self":
            at = lookup(at, segment, seen, guess=not relative)
        if not isinstance(at, modules.Module):
            break
        relative = False
    return at


def all_modules(module):
    """A module and those below it."""
    yield module
    for child in module.children.values():
        yield from all_modules(child)


def uses(module):
    """(file, line) for each use that code of MODULE makes of an item of another file."""
    single = {}
    for path, line in module.mentions:
        single.setdefault(path[0], line)
    for leaf in module.imports:
        target = resolve(module, leaf.path)
        if isinstance(target, Path) and (not leaf.public or leaf.name in single):
            yield target, single[leaf.name] if leaf.public else leaf.line
        elif leaf.name == "*" and isinstance(target, modules.Module):
            for name, line in single.items():
                known = name in module.items or name in module.children or \
                    any(other.name == name for other in module.imports)
                found = None if known else lookup(target, name, frozenset())
                if isinstance(found, Path):
                    yield found, line
    for path, line in module.mentions:
        if len(path) > 1:
            found = resolve(module, path)
            if isinstance(found, Path):
                yield found, line


def graph(root_file):
    """{file: {file that it uses: line of the first use}}"""
    edges = defaultdict(dict)
    for module in all_modules(modules.crate(root_file)):
        edges[module.file].update({})
        for file, line in uses(module):
            if file != module.file:
                edges[module.file][file] = min(line, edges[module.file].get(file, line))
    return edges


def way(edges, start, end):
    """The shortest way from START to END, with both, [] if there is none."""
    came, front = {}, [start]
    while front:
        following = []
        for file in front:
            for other in sorted(edges.get(file, ())):
                if other not in came:
                    came[other] = file
                    following.append(other)
        front = following
        if end in came:
            back = [end]
            while len(back) == 1 or back[-1] != start:
                back.append(came[back[-1]])
            return back[::-1]
    return []


def circles(edges):
    """The circles of two files, and a shortest one through each file that is in none of these."""
    passed = set()
    for file in sorted(edges):
        for other in sorted(edges[file]):
            if file < other and file in edges.get(other, ()):
                passed |= {file, other}
                yield [file, other, file]
    for circle in sorted((way(edges, file, file) for file in edges), key=lambda c: (len(c), c)):
        if circle and not passed.issuperset(circle):
            passed |= set(circle)
            yield circle


def unread(root_file, edges):
    """The files below a crate's root that are no modules of it; tests may be."""
    for file in sorted(root_file.parent.rglob("*.rs")):
        below = file.relative_to(root_file.parent).parts
        if file not in edges and not {"test", "test.rs", "tests.rs"} & set(below) and \
                not file.name.endswith("_generated.rs"):
            yield file


def report(tree, root):
    """The circles of one component, and what else is wrong, as text."""
    edges = graph(tree / root)
    for file in unread(tree / root, edges):
        yield f"{file.relative_to(tree)}: no module of the component declares this file"
    for circle in circles(edges):
        lines = [" -> ".join(str(f.relative_to((tree / root).parent)) for f in circle)]
        for file, other in zip(circle, circle[1:]):
            line = edges[file][other]
            code = file.read_text().splitlines()[line - 1].strip()
            lines.append(f"    {file.relative_to(tree)}:{line}: {code}   [{other.name}]")
        yield "\n".join(lines)


def main(tree):
    """1 if there is a circle."""
    count = 0
    for component, root in COMPONENTS.items():
        try:
            found = list(report(tree, root))
        except modules.NoFile as error:
            sys.exit(f"{error}")
        count += len(found)
        if found:
            print(f"{component}: files that use each other; move what both need to a file of its own:")
            print("\n".join(found))
    print(f"{count} circles" if count else "no circle")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

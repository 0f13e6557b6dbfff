# SPDX-License-Identifier: GPL-2.0
"""The modules of a crate, what they define and import, and the paths that they name."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import lexer

ITEM = {"fn", "struct", "enum", "union", "trait", "type", "const", "static"}
BETWEEN = {"unsafe", "const", "async", "extern", "mut", "safe"}
NAME = re.compile(r"[A-Za-z_]\w*$")
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}


class NoFile(Exception):
    """A module has none."""


class Import(NamedTuple):
    """A leaf of a use tree: NAME is what it is called here, "*" for a glob, "_" for no name."""
    name: str
    path: tuple
    public: bool
    line: int


class Mention(NamedTuple):
    """A path in the code outside of use declarations."""
    path: tuple
    line: int


@dataclass
class Module:
    """A module: its own, and what it says."""
    name: str
    parent: "Module"
    file: Path
    items: set = field(default_factory=set)
    children: dict = field(default_factory=dict)
    imports: list = field(default_factory=list)
    mentions: list = field(default_factory=list)

    def root(self):
        """The crate."""
        return self.parent.root() if self.parent else self


def crate(root_file):
    """The crate that begins in ROOT_FILE, without what only tests have."""
    root = Module("crate", None, Path(root_file))
    Parser(root, Path(root_file).parent).parse()
    return root


class Parser:
    """Reads the file of a module, and those of its children. DIRECTORY has the children."""

    def __init__(self, module, directory):
        self.text = module.file.read_text()
        self.tokens = lexer.tokens(self.text)
        self.at = 0
        self.modules = [(module, directory, 0)]
        self.opened = []

    def parse(self):
        """All of the file."""
        public, attributes = False, []
        while self.at < len(self.tokens):
            module, _, base = self.modules[-1]
            word = self.word()
            if word == "#":
                attributes.append(self.attribute())
                continue
            if any(is_for_tests(a) for a in attributes):
                self.skip_item()
            elif word == "pub":
                public = True
                self.visibility()
                continue
            elif word == "use":
                self.use(public)
            elif word == "mod" and self.word(2) in ("{", ";"):
                self.mod(attributes)
            elif word in OPEN or word in CLOSE:
                self.brace(word)
            elif word == "macro_rules" and self.word(1) == "!":
                module.items.add(self.word(2))
                self.at += 3
            elif word in ITEM and self.word(1) not in BETWEEN and NAME.match(self.word(1)):
                # what is deeper may be what a macro defines
                if len(self.opened) == base or self.in_macro():
                    module.items.add(self.word(1))
                self.at += 2
            elif NAME.match(word):
                self.mention()
            else:
                self.at += 1
            public, attributes = False, []

    def word(self, ahead=0):
        """The text of the token that is so far ahead, "" at the end."""
        return self.tokens[self.at + ahead].text if 0 <= self.at + ahead < len(self.tokens) else ""

    def attribute(self):
        """Its text, without spaces, with its strings."""
        first = self.tokens[self.at].at
        while self.word() != "[":
            self.at += 1
        self.group()
        return re.sub(r"\s", "", self.text[first:self.tokens[self.at - 1].at + 1])

    def group(self):
        """Past a bracket and what matches it."""
        depth = 0
        while self.at < len(self.tokens):
            depth += (self.word() in OPEN) - (self.word() in CLOSE)
            self.at += 1
            if depth == 0:
                return

    def visibility(self):
        """Past pub and what restricts it."""
        self.at += 1
        if self.word() == "(" and self.word(1) in ("crate", "super", "self", "in"):
            self.group()

    def skip_item(self):
        """Past an item, a statement, a field or an arm; its attributes have been read."""
        while self.word() in ("#", "pub"):
            if self.word() == "#":
                self.attribute()
            else:
                self.visibility()
        if self.word() in ("use", "static", "type", "let") or \
                self.word() == "const" and self.word(1) not in BETWEEN | ITEM:
            ends = {";"}
        elif self.word() in ITEM | BETWEEN | {"mod", "impl"}:
            ends = {";", "}"}
        else:
            ends = {";", "}", ","}
        while self.at < len(self.tokens) and self.word() not in CLOSE:
            last = self.word()
            if last in OPEN:
                self.group()
                last = OPEN[last]
            else:
                self.at += 1
            if last in ends:
                return

    def brace(self, word):
        """Past a bracket; it may end an inline module."""
        if word in OPEN:
            self.opened.append(self.at)
        elif self.opened:
            self.opened.pop()
        self.at += 1
        if len(self.opened) < self.modules[-1][2]:
            self.modules.pop()

    def in_macro(self):
        """Whether the outermost bracket since the top of this module is that of a macro."""
        outermost = self.opened[self.modules[-1][2]]
        return self.tokens[outermost - 1].text == "!"

    def mod(self, attributes):
        """A module: its file, or its body up to the brace."""
        name, body = self.word(1), self.word(2)
        self.at += 3
        parent, directory, _ = self.modules[-1]
        given = [a[len('#[path="'):-2] for a in attributes if a.startswith('#[path="')]
        if body == "{":
            child = Module(name, parent, parent.file)
            self.opened.append(self.at - 1)
            self.modules.append((child, directory / name, len(self.opened)))
        else:
            beside, below = directory / f"{name}.rs", directory / name / "mod.rs"
            file = parent.file.parent / given[0] if given else beside if beside.exists() else below
            if not file.exists():
                raise NoFile(f"{parent.file}: mod {name} has no file")
            child = Module(name, parent, file)
            Parser(child, file.parent / ("" if file.name == "mod.rs" or given else name)).parse()
        parent.children[name] = child

    def use(self, public):
        """A use declaration."""
        self.at += 1
        module = self.modules[-1][0]
        module.imports += [leaf._replace(public=public) for leaf in self.use_tree(())]
        self.at += 1

    def use_tree(self, prefix):
        """The leaves from here to what ends this tree: a comma, a brace or the semicolon."""
        path, leaves, name = prefix, [], None
        while (word := self.word()) not in (",", "}", ";", ""):
            line = self.tokens[self.at].line
            self.at += 1
            if word == "{":
                while self.word() not in ("}", ""):
                    leaves += self.use_tree(path)
                    if self.word() == ",":
                        self.at += 1
                self.at += 1
                path = None
            elif word == "as":
                name = self.word()
                self.at += 1
            elif word == "*":
                leaves.append(Import("*", path, False, line))
                path = None
            elif word == "self" and path:
                name, last = path[-1], line
            elif NAME.match(word):
                path, last = (*path, word), line
        if path:
            leaves.append(Import(name or path[-1], path, False, last))
        return leaves

    def mention(self):
        """A path in the code."""
        before = self.tokens[self.at - 1].text if self.at else ""
        line, path = self.tokens[self.at].line, [self.word()]
        self.at += 1
        while self.word() == "::" and NAME.match(self.word(1)):
            path.append(self.word(1))
            self.at += 2
        # a field, a method, a parameter or the rest of a qualified path is no name of this module
        if before not in (".", "::") and not (len(path) == 1 and self.word() == ":"):
            self.modules[-1][0].mentions.append(Mention(tuple(path), line))


def is_for_tests(attribute):
    """Whether what has this attribute is only in tests."""
    if re.match(r"#\[(cfg_attr\(.*,)?([\w:]*::)?kunit_tests\b", attribute):
        return True
    cfg = re.match(r"#\[cfg\((.*)\)\]$", attribute)
    return bool(cfg) and not possible(cfg[1])[1]


def possible(predicate):
    """Whether a cfg can be (false, true) in a kernel without tests."""
    word, _, inner = predicate.rstrip(",").partition("(")
    if not inner:
        tests = word == "test" or word.startswith("CONFIG_KUNIT")
        return (True, not tests)
    parts = [possible(part) for part in split(inner[:-1]) if part]
    if word == "not":
        return parts[0][::-1]
    if word == "all":
        return (any(f for f, _ in parts), all(t for _, t in parts))
    return (all(f for f, _ in parts), any(t for _, t in parts))


def split(text):
    """At the commas outside of parentheses."""
    depth, parts = 0, [""]
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts

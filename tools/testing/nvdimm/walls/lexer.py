# SPDX-License-Identifier: GPL-2.0
"""Rust source without its comments and strings, and the tokens of it."""

import re
from typing import NamedTuple

# In the order in which they are tried. A quote that begins no character is that of a lifetime.
NO_CODE = re.compile(r"""
    //[^\n]*
    | (?P<block>/\*)
    | \b[bc]?r(?P<hashes>\#*)"(?:(?!"(?P=hashes)).|\n)*"(?P=hashes)
    | "(?:\\.|[^"\\]|\\\n)*"
    | '(?:\\(?:x..|u\{[^}]*\}|.)|[^\\'\n])'
    """, re.VERBOSE | re.DOTALL)
TOKEN = re.compile(r"'?[A-Za-z_]\w*|\d\w*|::|=>|->|\S")


class Token(NamedTuple):
    """A word or sign, with its line and place."""
    text: str
    line: int
    at: int


def blank(text):
    """TEXT with each comment, string and character replaced by spaces: lines and columns stay."""
    parts, at = [], 0
    while found := NO_CODE.search(text, at):
        end = found.end()
        if found["block"]:
            end = block_comment_end(text, end)
        parts += [text[at:found.start()], re.sub(r"[^\n]", " ", text[found.start():end])]
        at = end
    return "".join([*parts, text[at:]])


def block_comment_end(text, at):
    """Block comments nest."""
    depth = 1
    for mark in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return at + mark.end()
    return len(text)


def tokens(text):
    """The tokens of blank(text)."""
    line, at, found = 1, 0, []
    for token in TOKEN.finditer(blank(text)):
        line += text.count("\n", at, token.start())
        at = token.start()
        found.append(Token(token[0], line, at))
    return found

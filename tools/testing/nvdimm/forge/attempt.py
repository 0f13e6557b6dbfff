# SPDX-License-Identifier: GPL-2.0
"""An attempt to forge evidence, and what the compiler says of it."""

import re
import sys
from pathlib import Path

HEADER = re.compile(r"^//! crate: (\w+)$", re.MULTILINE)
MARK = re.compile(r"//~ (\w+(?:, \w+)*)$")
CONTROL, ATTEMPT = "#[cfg(control)]", "#[cfg(not(control))]"
# rustc --error-format=short
ERROR = re.compile(r"(?:(\S+?):(\d+):\d+: )?error(?:\[(\w+)\])?: (?!aborting due)")


class Attempt:
    """A file: the crate that it is to be a module of, and its marks, {(line, code)}."""

    def __init__(self, file):
        self.file = Path(file)
        self.name = self.file.stem.replace("-", "_")
        text = self.file.read_text()
        header = HEADER.search(text)
        self.marks = {(number, code) for number, line in enumerate(text.splitlines(), 1)
                      if (found := MARK.search(line)) for code in found[1].split(", ")}
        if not header or not self.marks or CONTROL not in text or ATTEMPT not in text:
            sys.exit(f"{self.file.name}: it needs a line '//! crate: NAME', {CONTROL} code that compiles, "
                     f"and {ATTEMPT} code that does not, with a mark on each line with an error (//~ E0451)")
        self.crate = header[1]


def errors(said, status):
    """[(file, line, code, text)] of rustc's errors."""
    found = []
    for line in said.splitlines():
        if error := ERROR.match(line):
            file, number, code = error.groups("")
            found.append((file, int(number or 0), code, line))
    return found or [("", 0, "", f"{said}rustc ended with status {status}")] * bool(status)


def judge(attempt, came):
    """What is wrong with the compiler's errors: nothing if the marked ones came, and no other."""
    if not came:
        yield f"{attempt.file.name}: it compiles, so the evidence can be forged"
        return
    here = {(line, code) for file, line, code, _ in came if Path(file) == attempt.file}
    for line, code in sorted(attempt.marks - here):
        yield f"{attempt.file.name}:{line}: the error {code} is missing"
    for file, line, code, text in came:
        if Path(file) != attempt.file or (line, code) not in attempt.marks:
            yield f"{attempt.file.name}: another error than the marked ones: {text}"

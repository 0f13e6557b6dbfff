# SPDX-License-Identifier: GPL-2.0
"""An attempt to forge evidence, and what the compiler says of it."""

import json
import re
from pathlib import Path

HEADER = re.compile(r"^//! crate: (\w+)$", re.MULTILINE)
MARK = re.compile(r"//~ (\w+(?:, \w+)*)$")
CONTROL = "#[cfg(control)]"


class Malformed(Exception):
    """The file of an attempt does not say what it has to."""


class Attempt:
    """A file: the crate that it is to be a module of, and its marks, {(line, code)}."""

    def __init__(self, file):
        self.file = Path(file)
        self.name = self.file.stem.replace("-", "_")
        text = self.file.read_text()
        header = HEADER.search(text)
        if not header:
            raise Malformed(f"{self.file.name}: there is no line '//! crate: NAME'")
        self.crate = header[1]
        self.marks = set()
        for number, line in enumerate(text.splitlines(), 1):
            if found := MARK.search(line):
                self.marks |= {(number, code) for code in found[1].split(", ")}
        if not self.marks:
            raise Malformed(f"{self.file.name}: no line is marked with the error that it gets (//~ E0451)")
        if CONTROL not in text or "#[cfg(not(control))]" not in text:
            raise Malformed(f"{self.file.name}: there have to be {CONTROL} code that compiles and "
                            "#[cfg(not(control))] code that does not")


def errors(said):
    """[(file, line, code, text)] of rustc's messages in JSON; a line that is no message is an error."""
    found = []
    for line in said.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            found.append(("", 0, "", line))
            continue
        if message.get("level", "").startswith("error") and not message["message"].startswith("aborting due"):
            file, number = place(message["spans"])
            found.append((file, number, (message["code"] or {}).get("code", ""), message["rendered"]))
    return found


def place(spans):
    """Where an error is; one in a macro is where the macro is used."""
    for span in spans:
        if span["is_primary"]:
            while span.get("expansion"):
                span = span["expansion"]["span"]
            return span["file_name"], span["line_start"]
    return "", 0


def judge(attempt, said):
    """What is wrong with the compiler's answer: nothing if the marked errors came, and no other."""
    came = errors(said)
    here = {(line, code) for file, line, code, _ in came if Path(file) == attempt.file}
    if not came:
        yield f"{attempt.file.name}: it compiles, so the evidence can be forged"
        return
    for line, code in sorted(attempt.marks - here):
        yield f"{attempt.file.name}:{line}: the error {code} is missing"
    for file, line, code, text in came:
        if Path(file) != attempt.file or (line, code) not in attempt.marks:
            yield f"{attempt.file.name}: another error than the marked ones, {code or 'without a code'}:\n{text}"

# SPDX-License-Identifier: GPL-2.0
"""What a test script asks for: the lines "# key: value" of its first comment block."""

import re
from dataclasses import dataclass

from bench.paths import SELFTESTS
from bench.progress import Failed

SECONDS = 120


@dataclass
class Script:
    """A test script and its headers. A header may be repeated."""

    name: str
    text: str

    def all(self, key):
        """The values of a header, in their order."""
        return [value for found, value in self.headers() if found == key]

    def get(self, key, default=None):
        """The first value of a header."""
        return next(iter(self.all(key)), default)

    def headers(self):
        """Yield (key, value). A key of "allow" may be followed by COMPONENT=KIND."""
        for line in self.text.splitlines():
            if not line.startswith("#"):
                return
            found = re.match(r"# ([a-z]+(?: [a-z0-9]+=[a-z]+)?): (.*)", line)
            if found:
                yield found[1], found[2]

    @property
    def stem(self):
        """The name in the name of a test: LANE/STEM."""
        return self.name.removesuffix(".sh")

    @property
    def boot(self):
        """Scripts of the same boot share a guest."""
        return self.get("boot", self.stem)

    @property
    def seconds(self):
        """How long the script may take by its header."""
        return int(self.get("timeout", SECONDS))


def read(name):
    """The script of that name in the selftests."""
    try:
        return Script(name, (SELFTESTS / name).read_text())
    except FileNotFoundError:
        raise Failed(f"there is no {name} in tools/testing/selftests/dax") from None


def tests():
    """The scripts that are tests: they source ktap.sh, and are no library of others."""
    names = sorted(file.name for file in SELFTESTS.glob("*.sh") if not file.name.endswith("-lib.sh"))
    scripts = [read(name) for name in names]
    return [script for script in scripts if re.search(r"^\. (\./)?ktap\.sh", script.text, re.MULTILINE)]

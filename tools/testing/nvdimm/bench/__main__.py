# SPDX-License-Identifier: GPL-2.0
"""The commands of the bench: python3 -m bench COMMAND [ARGUMENT...]"""

import errno
import importlib
import os
import signal
import sys

from bench.paths import CACHE, on_host
from bench.progress import Failed

# command: the module whose main() runs it
COMMANDS = ("check", "count", "demo", "guest", "kernel", "mm_selftests", "mutants", "ndctl", "persist",
            "range", "report", "rust_analyzer", "rustdoc", "sources")


def main():
    """Run a command. A failure that a person can do something about is one line."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command not in COMMANDS:
        sys.exit(f"usage: python3 -m bench {{{','.join(COMMANDS)}}} [ARGUMENT...]")
    os.dup2(1, 2)
    # As the first process of a PID namespace it would ignore these. When it ends, all that it started ends.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: os._exit(128 + signal.SIGTERM))
    try:
        return importlib.import_module(f"bench.{command}").main(sys.argv[2:])
    except Failed as failure:
        print(f"{command}: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"{command}: no space left for {on_host(error.filename or CACHE)}; free some, or set RUST_DAX_CACHE"
              " to a directory on a larger disk", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

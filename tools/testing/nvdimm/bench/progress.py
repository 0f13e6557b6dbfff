# SPDX-License-Identifier: GPL-2.0
"""Says how far the work is, runs programs meanwhile, and keeps two runs from the same thing."""

import contextlib
import fcntl
import subprocess
import sys
import threading
import time

BEGAN = time.monotonic()
INTERVAL = 5


class Failed(Exception):
    """The work cannot go on. The text tells a person why, and what to do."""


def step(text):
    """Print a line of progress with the seconds since this program started."""
    print(f"[{time.monotonic() - BEGAN:4.0f}s] {text}", file=sys.__stderr__, flush=True)


@contextlib.contextmanager
def ticking(text, probe):
    """Print a line every few seconds while the body runs, but no line twice. PROBE() says how far it is, or
    None."""
    done = threading.Event()

    def tick():
        said = None
        while not done.wait(INTERVAL):
            with contextlib.suppress(OSError, ValueError):
                now = probe()
                if now not in (None, said):
                    step(f"{text}: {now}")
                said = now

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def last_line(path, width=70):
    """The last line of a log, for a line of progress."""
    with open(path, "rb") as file:
        file.seek(max(0, file.seek(0, 2) - 4096))
        lines = file.read().decode(errors="replace").replace("\r", "").splitlines()
    return lines[-1][:width] if lines else ""


def run(arguments, log, text=None, probe=None, **options):
    """Run a program with its output appended to LOG. Return its exit status."""
    with open(log, "ab") as file, ticking(text or arguments[0], probe or (lambda: last_line(log))):
        return subprocess.run([str(argument) for argument in arguments], stdout=file, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, check=False, **options).returncode


@contextlib.contextmanager
def locked(path, what):
    """Hold the lock file; say once that another run has it."""
    with open(path, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step(f"waiting for another {what}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield

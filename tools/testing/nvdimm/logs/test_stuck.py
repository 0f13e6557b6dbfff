# SPDX-License-Identifier: GPL-2.0
"""Tests which tasks of a late guest are shown."""

import subprocess
from pathlib import Path

from cases import same

STUCK = Path(__file__).resolve().parent / "stuck.awk"

PANIC = ["Kernel panic - not syncing: NMI: Not continuing", "Call Trace:", " <NMI>",
         " nmi_panic+0x48/0x50", " </NMI>"]


def task(name, state, *frames):
    """The lines that the kernel prints about a task, with its stack."""
    return [f"task:{name:<15} state:{state} stack:0     pid:217   tgid:217   ppid:216    flags:0x0",
            "Call Trace:", " <TASK>", *(f" {frame}+0x5b/0x950" for frame in frames), " </TASK>"]


SLEEPER = task("sleep", "S", "__schedule", "do_nanosleep")
WAITER = task("umount", "D", "__schedule", "? __wake_up", "dax_break_layout_final")
RUNNER = task("dd", "R", "dax_iomap_rw")
CPU = ["Sending NMI from CPU 0 to CPUs 1:", "NMI backtrace for cpu 1", " default_idle+0xd/0x20"]


def shown(*lines):
    """Return the lines that stuck.awk prints, without the times."""
    stamp = "[   19.266435] "
    log = "".join(f"{stamp}{line}\n" for line in lines)
    said = subprocess.run(["awk", "-f", STUCK], input=log, capture_output=True, text=True, check=True)
    return [line.removeprefix(stamp) for line in said.stdout.splitlines()]


def frames(lines):
    """Return those lines of a task that stuck.awk has to print."""
    return [line for line in lines if line.startswith("task:") or "+0x" in line and "?" not in line]


def one_that_waits_is_stuck():
    same(shown(*PANIC, *SLEEPER, *WAITER, *SLEEPER, *CPU), frames(WAITER))


def one_that_runs_is_shown():
    same(shown(*PANIC, *RUNNER, *WAITER, *CPU), frames(RUNNER) + frames(WAITER))


def all_that_sleep_are_not():
    same(shown(*PANIC, *SLEEPER, *SLEEPER, *CPU), ["every task sleeps"])


TESTS = [one_that_waits_is_stuck, one_that_runs_is_shown, all_that_sleep_are_not]

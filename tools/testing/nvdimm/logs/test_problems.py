# SPDX-License-Identifier: GPL-2.0
"""Tests which lines of a kernel log are problems."""

import subprocess
from pathlib import Path

from cases import same

PROBLEMS = Path(__file__).resolve().parent / "problems"

QUIET = ["pmem0: detected capacity change from 0 to 786432", "EXT4-fs (pmem0): mounted filesystem",
         "kmemleak: Kernel memory leak detector initialized (mem pool available: 15679)"]
WARNING = "WARNING: fs/dax/entry.rs:31 at dax_iomap_fault+0x1c/0x90, CPU#1: dd/217"
REPORTS = [WARNING, "BUG: KASAN: slab-use-after-free in dax_iomap_rw+0x1c/0x90",
           "INFO: task umount:217 blocked for more than 122 seconds.",
           "rust_kernel: panicked at fs/dax/entry.rs:31:5:", "    not ok 3 rust_fs_dax_slot",
           "nd_pmem: Unknown symbol dax_alive (err -2)", "Kernel panic - not syncing: Fatal exception"]


def found(directory, lines, allowed=""):
    """Return the exit status and the lines that the script problems prints."""
    log = Path(directory) / "log"
    log.write_text("".join(f"[   12.345678] {line}\r\n" for line in lines))
    said = subprocess.run([PROBLEMS, log], input=allowed, capture_output=True, text=True, check=False)
    return said.returncode, [line.split("] ", 1)[-1] for line in said.stdout.splitlines()]


def a_quiet_log(directory):
    same(found(directory, QUIET), (0, []))


def each_report_is_found(directory):
    for report in REPORTS:
        same(found(directory, [*QUIET, report, *QUIET]), (1, [report]))


def what_a_script_provokes_is_allowed(directory):
    same(found(directory, [*QUIET, WARNING], "fs/dax/entry.rs:31 at dax_iomap_fault\n"), (0, []))


def nothing_else_is_allowed(directory):
    same(found(directory, REPORTS[:2], "entry.rs:31 at\n\n"), (1, REPORTS[1:2]))


def an_empty_log_is_a_problem(directory):
    same(found(directory, []), (1, ["the kernel log is empty"]))


TESTS = [a_quiet_log, each_report_is_found, what_a_script_provokes_is_allowed,
         nothing_else_is_allowed, an_empty_log_is_a_problem]

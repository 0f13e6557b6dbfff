# SPDX-License-Identifier: GPL-2.0
"""Tests which reports of data races are about this tree."""

import subprocess
import tempfile
from pathlib import Path

from cases import same

HERE = Path(__file__).resolve().parent

OURS = "_RNvCs1_6fs_dax5fault\ndax_iomap_rw\n"
RULE = "=" * 66


def report(first, second, kind="data-race"):
    """A report of two accesses. Each access is a list of frames, the innermost first."""
    def stack(access, frames):
        return [f"{access} to 0xffff888012345678 of 8 bytes by task 12 on cpu 1:",
                *(f" {frame}+0x1c/0x90" for frame in frames), ""]
    return [RULE, f"BUG: KCSAN: {kind} in {first[0]} / {second[0]}", "",
            *stack("write (marked)", first), *stack("read", second),
            "value changed: 0x0000000000000001 -> 0x0000000000000002", "",
            "Reported by Kernel Concurrency Sanitizer on:",
            "CPU: 0 UID: 0 PID: 12 Comm: dd Not tainted 7.2.12 #1 NONE", RULE]


def unknown(frames):
    """A report of one access during which uninstrumented code changed the value."""
    lines = report(frames, frames)
    return [RULE, f"BUG: KCSAN: data-race in {frames[0]}+0x1c/0x90", "",
            "race at unknown origin, with read to 0xffff888012345678 of 4 bytes by interrupt on cpu 0:",
            *lines[4:4 + len(frames)], "", *lines[-5:]]


def filtered(lines, stamp="[   12.345678] "):
    """Return the lines of the filtered log, and the titles of the removed reports."""
    with tempfile.TemporaryDirectory() as directory:
        names, log, elsewhere = (Path(directory) / n for n in ("names", "log", "elsewhere"))
        names.write_text(OURS)
        log.write_text("".join(f"{stamp}{line}\n" for line in lines))
        said = subprocess.run(["awk", "-v", f"functions={names}", "-v", f"elsewhere={elsewhere}",
                               "-f", HERE / "elsewhere.awk", log],
                              capture_output=True, text=True, check=True)
        titles = elsewhere.read_text().splitlines() if elsewhere.exists() else []
        return [line.removeprefix(stamp) for line in said.stdout.splitlines()], titles


def kept(lines, **how):
    same(filtered(lines, **how), (lines, []))


def left_out(lines):
    same(filtered(["before", *lines, "after"]), (["before", "after"], [lines[1]]))


OTHER = ["ext4_da_update", "ext4_write"]
LIBRARY = ["xas_store", "_RNvCs1_6fs_dax5fault", "do_fault"]
DEEP = ["ext4_es_lookup", "ext4_map_blocks", "_RNvCs1_6fs_dax5fault"]


def an_access_of_ours():
    kept(report(["_RNvCs1_6fs_dax5fault", "do_fault"], OTHER))
    kept(report(OTHER, ["dax_iomap_rw", "xfs_file_write"]))


def a_function_that_we_call():
    kept(report(LIBRARY, OTHER))
    kept(report(OTHER, LIBRARY))


def what_others_do():
    left_out(report(OTHER, OTHER))
    left_out(report(OTHER, DEEP))


def names_that_begin_like_ours():
    left_out(report(["dax_iomap_rw_other", "x"], OTHER))


def a_race_of_unknown_origin():
    kept(unknown(["dax_iomap_rw", "xfs_file_write"]))
    left_out(unknown(OTHER))


def an_assertion():
    kept(report(["dax_iomap_rw"], OTHER, kind="assert: race"))


def the_first_access_does_not_count_for_the_second():
    left_out(report(["a", "b"], ["c", "d", "dax_iomap_rw"]))


def other_reports():
    kept([RULE, "BUG: KASAN: slab-use-after-free in f", " f+0x1/0x2", RULE])
    kept([RULE, "BUG: KASAN: x in f", RULE, *report(["dax_iomap_rw"], OTHER)])


def two_reports():
    ours = report(["dax_iomap_rw"], OTHER)
    same(filtered([*report(OTHER, OTHER), *ours, *report(OTHER, DEEP)])[0], ours)


def lines_of_others_in_between():
    lines = report(OTHER, OTHER)
    lines.insert(6, "EXT4-fs (pmem0): mounted filesystem")
    left_out(lines)


def a_log_without_times():
    kept(report(["dax_iomap_rw"], OTHER), stamp="")


def a_log_that_ends_early():
    kept(report(OTHER, OTHER)[:8])


TESTS = [an_access_of_ours, a_function_that_we_call, what_others_do, names_that_begin_like_ours,
         a_race_of_unknown_origin, an_assertion, the_first_access_does_not_count_for_the_second,
         other_reports, two_reports, lines_of_others_in_between, a_log_without_times,
         a_log_that_ends_early]

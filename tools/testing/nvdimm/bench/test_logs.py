# SPDX-License-Identifier: GPL-2.0
"""What is read from kernel logs, over canned logs."""

import pytest

from bench import logs

STAMPED = "[   12.345678] "


def stamped(lines):
    return [STAMPED + line for line in lines]


# --- problems -------------------------------------------------------------------------------------

QUIET = stamped(["pmem0: detected capacity change from 0 to 786432", "EXT4-fs (pmem0): mounted filesystem",
                 "kmemleak: Kernel memory leak detector initialized (mem pool available: 15679)"])
WARNING = "WARNING: fs/dax/entry.rs:31 at dax_iomap_fault+0x1c/0x90, CPU#1: dd/217"
REPORTS = [WARNING, "BUG: KASAN: slab-use-after-free in dax_iomap_rw+0x1c/0x90",
           "INFO: task umount:217 blocked for more than 122 seconds.",
           "rust_kernel: panicked at fs/dax/entry.rs:31:5:", "    not ok 3 rust_fs_dax_slot",
           "nd_pmem: Unknown symbol dax_alive (err -2)", "Kernel panic - not syncing: Fatal exception"]


def test_a_quiet_log():
    assert not logs.problems(QUIET)


@pytest.mark.parametrize("report", REPORTS)
def test_each_report_is_found(report):
    assert logs.problems([*QUIET, STAMPED + report, *QUIET]) == [STAMPED + report]


def test_only_what_a_script_provokes_is_allowed():
    assert not logs.problems(stamped([WARNING]), ["fs/dax/entry.rs:31 at dax_iomap_fault"])
    assert logs.problems(stamped(REPORTS[:2]), ["entry.rs:31 at"]) == stamped(REPORTS[1:2])


# --- the parts of a log ---------------------------------------------------------------------------

GUEST = ["[    1.0] Linux", "[    2.0] guest: begin a.sh", "[    3.0] a", "[    5.6] guest: end a.sh",
         "[    6.0] between", "[    7.0] guest: begin b.sh", "[    8.0] NMI received for unknown reason 20",
         "[    8.1] tasks"]


def test_the_parts_of_a_log():
    assert logs.by_script(GUEST) == {"boot": [GUEST[0], GUEST[4]], "a.sh": GUEST[1:4], "b.sh": GUEST[5:]}
    assert logs.by_script(GUEST, late=True)["late"] == GUEST[6:]
    assert list(logs.seconds_of_scripts(GUEST)) == [("a.sh", 4)]


# --- data races -----------------------------------------------------------------------------------

OURS = {"_RNvCs1_6fs_dax5fault", "dax_iomap_rw"}
RULE = "=" * 66
OTHER = ["ext4_da_update", "ext4_write"]
LIBRARY = ["xas_store", "_RNvCs1_6fs_dax5fault", "do_fault"]
DEEP = ["ext4_es_lookup", "ext4_map_blocks", "_RNvCs1_6fs_dax5fault"]


def stack(access, frames):
    return [f"{access} to 0xffff888012345678 of 8 bytes by task 12 on cpu 1:",
            *(f" {frame}+0x1c/0x90" for frame in frames), ""]


def report(first, second, kind="data-race"):
    """A report of two accesses. Each is a list of frames, the innermost first."""
    return stamped([RULE, f"BUG: KCSAN: {kind} in {first[0]} / {second[0]}", "",
                    *stack("write (marked)", first), *stack("read", second),
                    "value changed: 0x0000000000000001 -> 0x0000000000000002", "",
                    "Reported by Kernel Concurrency Sanitizer on:",
                    "CPU: 0 UID: 0 PID: 12 Comm: dd Not tainted 7.2.12 #1 NONE", RULE])


def unknown(frames):
    """A report of one access during which uninstrumented code changed the value."""
    return stamped([RULE, f"BUG: KCSAN: data-race in {frames[0]}+0x1c/0x90", "",
                    "race at unknown origin, with read to 0xffff888012345678 of 4 bytes by interrupt on cpu 0:",
                    *stack("", frames)[1:], "value changed", RULE])


KEPT = {
    "an access of ours": report(["_RNvCs1_6fs_dax5fault", "do_fault"], OTHER),
    "the second access": report(OTHER, ["dax_iomap_rw", "xfs_file_write"]),
    "a function that we call": report(LIBRARY, OTHER),
    "the second calls it": report(OTHER, LIBRARY),
    "unknown origin": unknown(["dax_iomap_rw", "xfs_file_write"]),
    "an assertion": report(["dax_iomap_rw"], OTHER, kind="assert: race"),
    "KASAN": stamped([RULE, "BUG: KASAN: slab-use-after-free in f", " f+0x1/0x2", RULE]),
    "KASAN, then a race": [*stamped([RULE, "BUG: KASAN: x in f", RULE]), *report(["dax_iomap_rw"], OTHER)],
    "without times": [line.removeprefix(STAMPED) for line in report(["dax_iomap_rw"], OTHER)],
    "ends early": report(OTHER, OTHER)[:8],
}
LEFT_OUT = {
    "others": report(OTHER, OTHER),
    "deep below us": report(OTHER, DEEP),
    "a name that begins like ours": report(["dax_iomap_rw_other", "x"], OTHER),
    "unknown origin": unknown(OTHER),
    "the first access does not count for the second": report(["a", "b"], ["c", "d", "dax_iomap_rw"]),
    "a line of others in between": [*report(OTHER, OTHER)[:6], STAMPED + "EXT4-fs: x", *report(OTHER, OTHER)[6:]],
}


@pytest.mark.parametrize("name", KEPT)
def test_races_that_stay(name):
    assert logs.without_races_elsewhere(KEPT[name], OURS) == (KEPT[name], [])


@pytest.mark.parametrize("name", LEFT_OUT)
def test_races_that_are_left_out(name):
    lines = LEFT_OUT[name]
    title = lines[1].removeprefix(STAMPED)
    assert logs.without_races_elsewhere(["before", *lines, "after"], OURS) == (["before", "after"], [title])


def test_several_races():
    ours = report(["dax_iomap_rw"], OTHER)
    log = [*report(OTHER, OTHER), *ours, *report(OTHER, DEEP)]
    assert logs.without_races_elsewhere(log, OURS)[0] == ours


# --- stuck tasks ----------------------------------------------------------------------------------

PANIC = ["Kernel panic - not syncing: NMI: Not continuing", "Call Trace:", " <NMI>", " nmi_panic+0x48/0x50",
         " </NMI>"]


def task(name, state, *frames):
    """The lines that the kernel prints about a task, with its stack."""
    return [f"task:{name:<15} state:{state} stack:0     pid:217   tgid:217   ppid:216    flags:0x0",
            "Call Trace:", " <TASK>", *(f" {frame}+0x5b/0x950" for frame in frames), " </TASK>"]


SLEEPER = task("sleep", "S", "__schedule", "do_nanosleep")
WAITER = task("umount", "D", "__schedule", "? __wake_up", "dax_break_layout_final")
RUNNER = task("dd", "R", "dax_iomap_rw")
CPU = ["Sending NMI from CPU 0 to CPUs 1:", "NMI backtrace for cpu 1", " default_idle+0xd/0x20"]


def frames(lines):
    return stamped(line for line in lines if line.startswith("task:") or ("+0x" in line and "?" not in line))


@pytest.mark.parametrize("log, wanted", [
    ([*PANIC, *SLEEPER, *WAITER, *SLEEPER, *CPU], frames(WAITER)),
    ([*PANIC, *RUNNER, *WAITER, *CPU], frames(RUNNER) + frames(WAITER)),
    ([*PANIC, *SLEEPER, *SLEEPER, *CPU], ["every task sleeps"]),
])
def test_stuck_tasks(log, wanted):
    assert logs.stuck(stamped(log)) == wanted

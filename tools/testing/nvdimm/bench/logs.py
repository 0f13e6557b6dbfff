# SPDX-License-Identifier: GPL-2.0
"""Reads kernel logs: problems, data races of other code, stuck tasks. A log is a list of lines."""

import re

PROBLEM = re.compile(r"""
    WARNING:\ | BUG:\ | BUG\( | kernel\ BUG\ at | Oops | KASAN | UBSAN | KFENCE | CFI\ failure
    | kmemleak:\ [0-9]+\ new | unreferenced\ object | [Gg]eneral\ protection\ fault | divide\ error
    | Kernel\ panic | possible\ (circular|recursive|irq\ lock) | inconsistent\ lock\ state
    | INFO:\ (task|rcu|trying) | blocked\ for\ more\ than | soft\ lockup | hard\ LOCKUP
    | suspicious\ RCU\ usage | sleeping\ function\ called | scheduling\ while\ atomic | held\ lock\ freed
    | lock\ held\ when\ returning | bad\ unlock\ balance | rust_kernel:\ panicked | panicked\ at
    | refcount_t:\  | list_(add|del)\ corruption | stack-protector | Objects\ remaining
    | cache\ .*\ still\ has\ objects | Slab\ corruption | Poison\ overwritten | Redzone | Bad\ page\ state
    | Unknown\ symbol | disagrees\ about\ version | Call\ Trace: | cut\ here | printk\ messages\ dropped
    | [0-9]+\ (bytes|pages|objects)\ leaked | [Mm]emory\ leak | nobody\ cared | (^|[\]\ ])not\ ok\ [0-9]
    """, re.VERBOSE)

# A kernel prints this in every boot; it matches, and reports no problem.
COMMON = "kmemleak: Kernel memory leak detector initialized"

STAMP = r"(?:\[ *[0-9]+\.[0-9]+\](?:\[[^]]*\])? ?)?"
RACE = re.compile(rf"^{STAMP}=+\n{STAMP}(BUG: KCSAN: .*)\n(?:.*\n)*?{STAMP}=+\n", re.MULTILINE)
ACCESS = re.compile(r" by (task|interrupt) ?[0-9]* ?on cpu ")
FRAME = re.compile(rf"^{STAMP} ([A-Za-z_.$][A-Za-z0-9_.$]*)\+0x")


def read(path):
    """The lines of a file; none if there is no such file."""
    try:
        return path.read_text(errors="replace").replace("\r", "").splitlines()
    except FileNotFoundError:
        return []


def problems(log, allowed=()):
    """The lines that report a problem, but those that match one of the ALLOWED expressions."""
    expected = re.compile("|".join(f"(?:{text})" for text in (COMMON, *allowed)))
    return [line for line in log if PROBLEM.search(line) and not expected.search(line)]


def by_script(log, late=False):
    """Split the log of a guest at the marks of its init: {"boot": lines, SCRIPT: lines, ...}.

    What the kernel prints after the NMI for a LATE guest is no problem of a script, and goes to "late".
    """
    parts, part = {"boot": []}, "boot"
    for line in log:
        if late and "NMI received for unknown reason" in line:
            part = "late"
        begin = re.search(r"guest: begin (.*)", line)
        if begin:
            part = begin[1]
        parts.setdefault(part, []).append(line)
        if "guest: end " in line:
            part = "boot"
    return parts


def seconds_of_scripts(log):
    """Yield (script, seconds) by the guest's clock."""
    began = {}
    for line in log:
        found = re.match(r"\[ *([0-9.]+)\].*guest: (begin|end) (.*)", line)
        if found and found[2] == "begin":
            began[found[3]] = float(found[1])
        elif found and found[3] in began:
            yield found[3], round(float(found[1]) - began[found[3]])


def without_races_elsewhere(log, functions):
    """Remove KCSAN's reports about other code. Return the other lines, and the titles of what was removed.

    A report has the stacks of two accesses. It is about this tree if one of its FUNCTIONS made an access
    or directly called the function that did: this tree may have used a structure of the kernel, such as an
    XArray, without its lock. An access further down the stack belongs to the called subsystem, such as a
    filesystem that looks up blocks, and would race without this tree too.
    """
    titles = []

    def ours(report):
        if _about(report[0].splitlines(), functions):
            return report[0]
        titles.append(report[1])
        return ""

    return RACE.sub(ours, "".join(f"{line}\n" for line in log)).splitlines(), titles


def _about(report, functions):
    """Whether one of the functions is among the two innermost frames of an access."""
    depth = 2
    for line in report:
        frame = FRAME.match(line)
        if ACCESS.search(line):
            depth = 0
        elif frame:
            depth += 1
            if depth <= 2 and frame[1] in functions:
                return True
    return False


def stuck(log):
    """The tasks that run or sleep uninterruptibly, with their stacks, of a panic with panic_sys_info=tasks.

    Frames that the unwinder marks as unreliable are left out.
    """
    shown, found = False, []
    for line in log:
        if re.search(r" task:.* state:", line):
            shown = re.search(r" state:[DR]", line)
        elif re.search(r"Sending NMI|NMI backtrace", line):
            shown = False
        if shown and re.search(r" task:|\]  [^ ]+\+0x", line):
            found.append(line)
    return found or ["every task sleeps"]

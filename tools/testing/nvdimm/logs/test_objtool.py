# SPDX-License-Identifier: GPL-2.0
"""Tests which complaints of objtool in a build's log count."""

import subprocess
from pathlib import Path

from cases import same

OBJTOOL = Path(__file__).resolve().parent / "objtool"

BUILD = "  CC      fs/dax/exports.o\n  LD      vmlinux.o\n"
FORMATTER = ("vmlinux.o: warning: objtool: _RNvNtCs6h1pXJxWtNU_4core3fmt5write+0x15c: "
             "no-cfi indirect call!\n")
NAKED = "vmlinux.o: warning: objtool: _RNvCs1_6fs_dax5fault+0x1c: no-cfi indirect call!\n"
NO_ENDBR = "vmlinux.o: error: objtool: .data+0x40: data relocation to !ENDBR: dax_iomap_rw+0x0\n"


def complaints(directory, log):
    """Return the exit status and the output of the script objtool for this log."""
    file = Path(directory) / "log"
    file.write_text(log)
    said = subprocess.run([OBJTOOL, file], capture_output=True, text=True, check=False)
    return said.returncode, said.stdout


def objtool_says_nothing(directory):
    same(complaints(directory, BUILD), (0, ""))


def a_formatter_of_core_is_known(directory):
    same(complaints(directory, BUILD + FORMATTER), (0, ""))


def a_call_without_a_check_counts(directory):
    same(complaints(directory, BUILD + FORMATTER + NAKED), (1, NAKED))


def another_complaint_of_core_counts(directory):
    other = FORMATTER.replace("no-cfi indirect call!", "unreachable instruction")
    same(complaints(directory, BUILD + other), (1, other))


def an_error_counts(directory):
    same(complaints(directory, NO_ENDBR + BUILD), (1, NO_ENDBR))


TESTS = [objtool_says_nothing, a_formatter_of_core_is_known, a_call_without_a_check_counts,
         another_complaint_of_core_counts, an_error_counts]

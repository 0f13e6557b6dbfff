# SPDX-License-Identifier: GPL-2.0
"""Tests what reads configurations and the logs of builds."""

import pytest

from bench import kernel

BUILD = "  CC      fs/dax/exports.o\n  LD      vmlinux.o\n"
FORMATTER = ("vmlinux.o: warning: objtool: _RNvNtCs6h1pXJxWtNU_4core3fmt5write+0x15c: "
             "no-cfi indirect call!\n")
NAKED = "vmlinux.o: warning: objtool: _RNvCs1_6fs_dax5fault+0x1c: no-cfi indirect call!\n"
NO_ENDBR = "vmlinux.o: error: objtool: .data+0x40: data relocation to !ENDBR: dax_iomap_rw+0x0\n"
OTHER = FORMATTER.replace("no-cfi indirect call!", "unreachable instruction")


@pytest.mark.parametrize("log, wanted", [
    (BUILD, []),
    (BUILD + FORMATTER, []),
    (BUILD + FORMATTER + NAKED, [NAKED]),
    (BUILD + OTHER, [OTHER]),
    (NO_ENDBR + BUILD, [NO_ENDBR]),
])
def test_complaints_of_objtool(log, wanted):
    assert kernel.complaints(log) == [line.rstrip("\n") for line in wanted]


def test_options_that_were_not_kept():
    wanted = 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\nCONFIG_D="a b"\n# text\n# CONFIG_E is not set\n'
    assert not kernel.not_kept(wanted, 'CONFIG_A=y\nCONFIG_C=m\nCONFIG_D="a b"\n# CONFIG_B is not set\n')
    assert kernel.not_kept(wanted, "CONFIG_A=m\nCONFIG_B=y\nCONFIG_C=m\n") == [
        "CONFIG_A=y", "CONFIG_B off", 'CONFIG_D="a b"']


def test_a_fragment_overrides_the_base():
    assert not kernel.not_kept("CONFIG_A=y\n# CONFIG_A is not set\nCONFIG_B=m\nCONFIG_B=y\n", "CONFIG_B=y\n")


def test_the_components_of_a_lane_are_its_options():
    assert kernel.options("fsdax+pmem").splitlines() == [
        "# CONFIG_DAX_RUST is not set", "CONFIG_FS_DAX_RUST=y", "CONFIG_BLK_DEV_PMEM_RUST=m",
        "CONFIG_X86_PMEM_LEGACY_RUST=m"]
    assert "CONFIG_KASAN=y" in kernel.options("debug").splitlines()


def test_errors_are_shown_with_the_lines_around_them():
    steps = [f"  CC      {number}.o" for number in range(40)]
    error = "fs/dax/a.c:3:1: error: expected ';'"
    assert kernel.errors("\n".join(steps)) == []
    assert kernel.errors("\n".join([*steps[:20], error, *steps[20:]])) == [steps[19], error, *steps[20:26]]
    assert kernel.errors(error) == [error]
    assert kernel.errors("ld.lld: error: undefined symbol: x")
    assert not kernel.errors("  CC      lib/error-inject.o")

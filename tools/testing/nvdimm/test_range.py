# SPDX-License-Identifier: GPL-2.0
"""This tree compiles for each kernel that tools/integrate/kernels lists."""

import pytest

from bench.range import Absent, build, versions


@pytest.mark.xdist_group("range")
@pytest.mark.parametrize("version", versions(), ids="range/{}".format)
def test_compiles(version):
    try:
        build(version)
    except Absent as absent:
        pytest.skip(str(absent))

# SPDX-License-Identifier: GPL-2.0
"""Tests what ../enter passes to the root, with programs in place of those that make it."""

import os
import subprocess

import pytest

from bench.paths import NVDIMM

# enter runs "setpriv ... environment root", and "setpriv ... unshare ... sh -c SCRIPT sh CACHE CHECKOUT
# ARGUMENT...", of which this prints the arguments.
SETPRIV = """#!/bin/sh
case $3 in
*/environment) exit 0 ;;
esac
shift 10
printf '%s\\n' "$@"
"""


@pytest.fixture(name="enter")
def enter_in(tmp_path):
    """A function that runs enter with these variables; it returns what the command would be given."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/setpriv").write_text(SETPRIV)
    (tmp_path / "bin/setpriv").chmod(0o755)

    def run(**variables):
        environment = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HOME": str(tmp_path),
                       "RUST_DAX_CACHE": str(tmp_path / "cache"), **variables}
        said = subprocess.run([NVDIMM / "enter", "command", "an argument"], env=environment, check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        return said.splitlines()

    return run


def test_cargo_has_the_settings_of_the_host_but_no_token(enter):
    said = enter(CARGO_HTTP_TIMEOUT="9", CARGO_REGISTRIES_MINE_TOKEN="secret", CARGO_REGISTRY_TOKEN="secret",
                 https_proxy="http://proxy", OTHER="x")
    assert {"CARGO_HTTP_TIMEOUT=9", "https_proxy=http://proxy", "CARGO_HOME=/cache/cargo"} <= set(said)
    assert not [line for line in said if "secret" in line or line.startswith("OTHER")]


def test_cargo_has_the_configuration_and_the_cas_of_the_host(enter, tmp_path):
    (tmp_path / ".cargo").mkdir()
    (tmp_path / "cas.pem").write_text("certificates")
    (tmp_path / ".cargo/config.toml").write_text(f'[http]\ncainfo = "{tmp_path}/cas.pem"\n')
    assert "CARGO_HTTP_CAINFO=/cache/cargo/ca.pem" in enter()
    assert (tmp_path / "cache/cargo/ca.pem").read_text() == "certificates"
    assert "cainfo" in (tmp_path / "cache/cargo/config.toml").read_text()


def test_the_variables_of_the_bench_are_passed(enter):
    said = enter(TIER="full", XFSTESTS_ARGS="-g 'a b' $x", LIST="")
    assert {"TIER=full", "XFSTESTS_ARGS=-g 'a b' $x"} <= set(said)
    assert not [line for line in said if line.startswith("LIST")]
    assert said[-2:] == ["command", "an argument"]

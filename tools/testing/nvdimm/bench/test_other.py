# SPDX-License-Identifier: GPL-2.0
"""Tests what looks at a kernel that was built elsewhere."""

import pytest

from bench import other
from bench.progress import Failed

LIST = "# comment\nPROC_FS\t\t\ty\nDAX\ty\tunder test\nEXT4_FS\t*\nNVDIMM\tm\tthe tests unload it\n"


@pytest.mark.parametrize("content", [b"\x7fELF", b""])
def test_what_is_no_kernel(tmp_path, content):
    (tmp_path / "bzImage").write_bytes(content)
    assert not other.release_of(tmp_path / "bzImage")


def test_options_that_a_kernel_lacks():
    has = "CONFIG_PROC_FS=y\nCONFIG_DAX=y\nCONFIG_EXT4_FS=m\nCONFIG_NVDIMM=m\n"
    assert not list(other.lacking(has, LIST))
    assert list(other.lacking("CONFIG_DAX=m\nCONFIG_NVDIMM=y\n# CONFIG_EXT4_FS is not set\n", LIST)) == [
        "CONFIG_PROC_FS=y", "CONFIG_DAX=y: under test", "CONFIG_EXT4_FS=y",
        "CONFIG_NVDIMM=m: the tests unload it"]


@pytest.fixture(name="host")
def host_directory(tmp_path, monkeypatch):
    """A directory that stands for the host's file system."""
    monkeypatch.setattr(other, "from_host", lambda text: tmp_path / str(text).lstrip("/"))
    return tmp_path


@pytest.mark.parametrize("where", ["/m/lib/modules/7.2", "/m/usr/lib/modules/7.2", "/m/7.2"])
def test_where_modules_are(host, where):
    (host / where[1:] / "kernel").mkdir(parents=True)
    assert other.find_modules("/k", "/m", "7.2") == where
    assert other.find_modules("/k", where, "7.2") == where


def test_where_no_modules_are(host):
    (host / "m/lib/modules/6.1/kernel").mkdir(parents=True)
    with pytest.raises(Failed, match="/k is Linux 7.2; MODULES=/m holds modules of 6.1 -- say where"):
        other.find_modules("/k", "/m", "7.2")
    (host / "m/Makefile").touch()
    (host / "m/modules.order").touch()
    with pytest.raises(Failed, match="MODULES=/m is where a kernel is built; install"):
        other.find_modules("/k", "/m", "7.2")


@pytest.mark.parametrize("log, said", [
    ("", "CONFIG_SERIAL_8250_CONSOLE"),
    ("guest: there are no ports to report to\n", "CONFIG_VIRTIO_CONSOLE"),
    ("VFS: Unable to mount root fs\n", "CONFIG_BLK_DEV_INITRD"),
    ("booted\n", "last words"),
])
def test_why_a_kernel_does_not_run_the_stack(tmp_path, log, said):
    (tmp_path / "dmesg").write_text(log)
    (tmp_path / "output").write_text("first\nlast words\n")
    assert said in other.reason(tmp_path / "dmesg", tmp_path / "output")

# SPDX-License-Identifier: GPL-2.0
"""Tests what makes parts of the cache, and paths of the host."""

import pytest

from bench import parts, paths, sources


def test_a_part_is_made_once(tmp_path):
    part = tmp_path / "core+fsdax"
    assert not parts.current(part, "1")
    (parts.empty(part) / "half").touch()
    (parts.empty(part) / "file").write_text("first")
    assert not part.exists()
    parts.install(part, "1")
    assert [file.name for file in part.iterdir()] == ["file"]
    assert parts.current(part, "1") and not parts.current(part, "2")
    (parts.empty(part) / "other").write_text("second")
    parts.install(part, "2")
    assert [file.name for file in part.iterdir()] == ["other"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["core+fsdax", "core+fsdax.stamp"]


def test_a_digest_is_of_names_and_contents(tmp_path):
    def made(name, text):
        for file in tmp_path.iterdir():
            file.unlink()
        (tmp_path / name).write_text(text)
        return parts.digest("x", tmp_path)

    first = made("a", "1")
    assert made("a", "1") == first
    assert len({first, made("b", "1"), made("a", "2"), parts.digest("y", tmp_path), parts.digest("x")}) == 5


@pytest.mark.parametrize("line, said", [
    ("E: Could not resolve 'deb.example'", "cannot download from "),
    ("E: You don't have enough free space in /var", "no space left in "),
    ("dpkg: error: cannot do it", "dpkg: error: cannot do it; see "),
    ("all is well", "it ended without a message; see "),
])
def test_why_apt_failed(tmp_path, line, said):
    log = tmp_path / "log"
    log.write_text(f"Get:1 a\n{line}\n")
    assert sources.explain(log).startswith(said)


def test_names_of_the_host(tmp_path, monkeypatch):
    monkeypatch.setenv("RUST_DAX_HOST_CACHE", "/var/cache/dax")
    assert paths.on_host(paths.CACHE / "run/a") == "/var/cache/dax/run/a"
    assert paths.on_host(tmp_path) == str(tmp_path)
    monkeypatch.setenv("RUST_DAX_HOST_PWD", "/usr")
    assert paths.from_host("share") == paths.HOST / "usr/share"
    assert paths.from_host("/nosuch/file") == paths.HOST / "nosuch/file"
    # absolute symbolic links of the host lead to files of the host
    here = paths.from_host(paths.on_host(paths.CACHE)) if paths.HOST.exists() else None
    assert here is None or paths.HOST in here.parents

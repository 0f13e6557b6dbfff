# SPDX-License-Identifier: GPL-2.0
"""What goes wrong around a test: a guest that hangs, QEMU that does not start, a killed run, a full disk, no network."""

import os
import subprocess
import sys
import time

import pytest

from bench import guest, headers, lanes
from bench.paths import CACHE

pytestmark = pytest.mark.lanes("integrated")

KERNEL = lanes.directory("integrated")
PATIENCE = 120
SLEEPS = "# timeout: 900\necho asleep\nsleep 800\n"


def script(text):
    """A script that no file has."""
    return headers.Script("stdin", text)


def test_a_guest_that_hangs():
    """It ends, and says which tasks were stuck: a task that sleeps is not."""
    late = guest.Guest(KERNEL, [script(SLEEPS)], name="runner-hangs", limit=40, quiet=True).boot()
    late.discard()
    assert "not finished after 40 s" in late.fate
    assert "NMI: Not continuing" in late.dmesg.read_text(errors="replace")
    assert "every task sleeps" in late.fate or "task:" in late.fate
    assert late.status(late.scripts[0]) is None and not late.problems
    assert guest.exit_status(late) == 124


def test_qemu_that_does_not_start():
    """Its reason is told, and not the kernel's empty log."""
    none = guest.Guest(KERNEL, [script("true")], name="runner-qemu", extra="-device nosuch", quiet=True).boot()
    none.discard()
    assert none.fate.startswith("QEMU did not start the guest: ") and "nosuch" in none.fate
    assert not none.problems and guest.exit_status(none) == 125


def test_a_kernel_that_reports_a_problem():
    """A script that passes has failed if the kernel reported a problem that its header does not allow."""
    text = "echo 'BUG: made up' >/dev/kmsg\necho 'Oops: too' >/dev/kmsg\n"
    said = guest.Guest(KERNEL, [script("# allow: BUG: made up\n" + text)], name="runner-problem", quiet=True).boot()
    said.discard()
    assert [line.partition("] ")[2] for line in said.problems["stdin"]] == ["Oops: too"]
    assert said.status(said.scripts[0]) == 0 and guest.exit_status(said) == 125


def is_running(name):
    """Whether there is a process whose command line has this text."""
    return subprocess.run(["pgrep", "-f", name], stdout=subprocess.DEVNULL, check=False).returncode == 0


def wait_for(condition):
    """Wait until CONDITION() is true. Return whether it became so."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not condition():
        time.sleep(0.2)
    return condition()


def test_a_run_that_is_killed():
    """Nothing of it stays behind: enter, on the host, ends with what it started."""
    checkout, cache = os.environ["RUST_DAX_HOST_CHECKOUT"], os.environ["RUST_DAX_HOST_CACHE"]
    command = ["chroot", "/host", "env", "-i", f"RUST_DAX_CACHE={cache}", f"PATH={os.environ['PATH']}", "HOME=/root",
               f"{checkout}/tools/testing/nvdimm/enter", "python3", "-B", "-m", "bench", "guest", "--quiet",
               "--lane", str(KERNEL), "--name", "runner-killed", "-"]
    output = CACHE / "run/runner-killed/output"
    output.unlink(missing_ok=True)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as run:
        run.stdin.write(SLEEPS.encode())
        run.stdin.close()
        try:
            assert wait_for(lambda: output.exists() and b"asleep" in output.read_bytes())
            assert is_running("run/runner-killed/ram")
        finally:
            run.kill()
    assert wait_for(lambda: not is_running("runner-killed"))
    again = guest.Guest(KERNEL, [script("true")], name="runner-killed", quiet=True).boot()
    again.discard()
    assert not again.fate


def python_in(prepare, code):
    """Run Python code after a shell command, in a mount and network namespace of its own; return what it says."""
    said = subprocess.run(["unshare", "--mount", "--net", "--propagation", "unchanged", "sh", "-ec",
                           f'{prepare}\nexec "$@"', "sh", sys.executable, "-B", "-c", code],
                          check=False, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert said.returncode == 1, said.stdout
    return said.stdout


def test_a_full_disk():
    code = ("import sys; from bench.__main__ import main\n"
            f"sys.argv = ['bench', 'guest', '--lane', '{KERNEL}', '--name', 'runner-full', 'fs-io.sh']; sys.exit(main())")
    said = python_in("mkdir -p /cache/run/runner-full && mount -t tmpfs -o size=4M none /cache/run/runner-full", code)
    assert "no space left for" in said and "RUST_DAX_CACHE" in said


def test_no_network(tmp_path):
    code = ("from pathlib import Path; from bench import sources; from bench.progress import Failed\n"
            f"sources.STOCK = Path('{tmp_path}/stock')\n"
            "try:\n    sources.stock()\nexcept Failed as failure:\n    raise SystemExit(str(failure))")
    said = python_in("true", code)
    assert "cannot download from" in said and "check the network" in said

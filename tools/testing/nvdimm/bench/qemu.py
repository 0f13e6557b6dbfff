# SPDX-License-Identifier: GPL-2.0
"""QEMU: its arguments, and a run of it that is watched."""

import contextlib
import os
import re
import socket
import subprocess
import time
from pathlib import Path

from bench.paths import CACHE
from bench.progress import step

PROGRAM = "qemu-system-x86_64"

# nokaslr: Debian's kernel randomises its address and avoids only the first four memmap= ranges.
# no_timer_check: the kernel waits for timer interrupts to test them; on a busy host too few arrive.
# tsc=nowatchdog: Linux 7.2 hangs if the TSC's watchdog runs during a stop_machine() before there is a
# clock: it measures the time that it waits for the other CPU in jiffies, while both CPUs have
# interrupts off. The rest: an NMI makes the kernel print the stacks of all tasks.
WORDS = ("console=ttyS0 loglevel=7 panic=-1 nokaslr no_timer_check tsc=nowatchdog unknown_nmi_panic"
         " panic_sys_info=tasks,timers,locks,all_bt")

# How long a kernel may take after the NMI to print its stacks.
LAST_WORDS = 60

EXACT = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-seed", "1",
         # -icount would count a copy with rep movs once for each byte
         "-rtc", "clock=vm,base=2026-01-01", "-cpu", "max,rdrand=off,rdseed=off,erms=off,fsrm=off"]
# With 5-level paging, KASAN reports a false positive if an interrupt arrives while the kernel identifies
# the boot CPU.
EMULATED = ["-accel", "tcg,thread=multi", "-cpu", "max,la57=off"]
ACCELERATED = ["-accel", "kvm", "-cpu", "host"]


def kvm_works(kernel):
    """Whether a guest really starts with KVM here. It is tried once for each boot of the host.

    Where KVM works, a kernel without a root file system reaches its panic within seconds.
    """
    if os.environ.get("RUST_DAX_ACCEL") == "tcg" or not os.access("/dev/kvm", os.W_OK):
        return False
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    answer = CACHE / f"run/.kvm.{boot}"
    if not answer.exists():
        step("trying whether KVM works on this machine")
        said = b""
        with contextlib.suppress(subprocess.TimeoutExpired):
            said = subprocess.run(
                [PROGRAM, *ACCELERATED, "-m", "512", "-smp", "2", "-nodefaults", "-display", "none", "-no-reboot",
                 "-kernel", kernel, "-append", "console=ttyS0 panic=-1", "-serial", "stdio"],
                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=20,
                check=False).stdout
        answer.write_text("yes" if re.search(rb"Kernel panic.*root", said) else "no")
    return answer.read_text() == "yes"


def machine(run, kernel, size, cpus, accelerator, words):
    """The arguments of the machine: its memory is the file RUN/ram, and survives a power cycle."""
    return [PROGRAM, *accelerator, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35,nvdimm=on,memory-backend=ram", "-m", f"{size >> 20}M,slots=4,maxmem={max(16, (size >> 30) + 8)}G",
            "-object", f"memory-backend-file,id=ram,size={size},mem-path={run}/ram,share=on", "-smp", str(cpus),
            "-kernel", str(kernel), "-initrd", f"{run}/initrd", "-append", f"{WORDS} {words}",
            "-chardev", f"socket,id=monitor,path={run}/monitor,server=on,wait=off", "-mon", "chardev=monitor",
            "-serial", f"file:{run}/dmesg"]


def reports(run, exact):
    """The ports for the scripts' output and status.

    The threads of virtio devices interrupt the guest at another instruction in each run. So an exact guest
    reports by serial ports, and has no device for random numbers.
    """
    files = [word for name in ("output", "status")
             for word in ("-chardev", f"file,id={name},path={run}/{name}")]
    if exact:
        return [*files, "-serial", "chardev:output", "-serial", "chardev:status"]
    return [*files, "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=status,name=status",
            "-device", "virtserialport,chardev=output,name=output",
            "-object", "rng-builtin,id=rng", "-device", "virtio-rng-pci,rng=rng"]


def files(disks, nvdimms):
    """Disk images of the user's: FILE is only read, what the guest writes is lost; FILE,rw is written."""
    arguments = []
    for number, (file, write) in enumerate(disks):
        snapshot = "off" if write else "on"
        kind = "format=raw," if file.suffix in ("", ".img", ".raw") else ""
        arguments += ["-drive", f"file={file},{kind}if=virtio,id=disk{number},snapshot={snapshot}"]
    for number, (file, write) in enumerate(nvdimms):
        size = file.stat().st_size
        share = "on" if write else "off"
        arguments += ["-object", f"memory-backend-file,id=nv{number},mem-path={file},size={size},share={share}",
                      "-device", f"nvdimm,id=nvdimm{number},memdev=nv{number}"]
    return arguments


def run(arguments, directory, late, limit, show):
    """Run QEMU to its end. Return (status, whether the guest was late).

    SHOW() is called each second. When LATE(seconds) is true, an NMI makes the guest print the stacks
    of its tasks, and the guest has LAST_WORDS seconds to do it.
    """
    began, was_late = time.monotonic(), False
    with open(directory / "qemu", "wb") as errors, \
            subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors) as process:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(1), was_late
                show()
                waited = time.monotonic() - began
                if not was_late and late(waited):
                    was_late, limit = True, waited
                    _send_nmi(directory / "monitor")
                if waited > limit + LAST_WORDS:
                    process.kill()
        finally:
            process.kill()


def _send_nmi(monitor):
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(monitor))
        connection.sendall(b"nmi\n")
        connection.settimeout(5)
        while b"nmi" not in connection.recv(4096):
            pass


def reason(directory):
    """Why QEMU did not start: the last line that it printed and that is no warning."""
    lines = (directory / "qemu").read_text(errors="replace").splitlines()
    errors = [line for line in lines if line.strip() and "warning: " not in line]
    return (errors or lines or ["it printed nothing"])[-1]

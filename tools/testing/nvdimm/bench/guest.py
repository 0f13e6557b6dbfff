# SPDX-License-Identifier: GPL-2.0
"""A guest: boot a lane's kernel with pmem regions, run scripts in it, judge its logs."""

import argparse
import contextlib
import fcntl
import re
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

from bench import headers, initramfs, kernel, lanes, logs, persist, qemu
from bench.paths import CACHE, NVDIMM, from_host, on_host
from bench.progress import Failed, step, ticking

# The regions of a shell, and of a script from standard input that names none.
TWO_REGIONS = "memmap=384M!1G memmap=384M!1472M"
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

# A kernel that has not started a script after this time hangs.
BOOT_LIMIT = 90
# How many times a kernel is booted that TCG may have executed wrongly.
ATTEMPTS = 3

File = namedtuple("File", "path write")


def bytes_of(size):
    """The bytes of a size such as 384M."""
    number, unit = re.fullmatch(r"([0-9]+)([KMG]?)", size).groups()
    return int(number) * UNITS.get(unit, 1)


class Guest:
    """One guest, which runs scripts one after the other.

    The options override what the header of the first script asks for. SLOW multiplies the timeouts. KEEP
    boots over the memory and the scratch directory of the previous guest of this NAME: a power cycle.
    """

    def __init__(self, build, scripts, *, name=None, mem=None, append="", cpus=None, limit=None, keep=False,
                 modprobe=False, extra="", slow=1, quiet=False, disks=(), nvdimms=(), kunit=False, verbose=False):
        self.build, self.scripts, self.keep, self.quiet, self.slow = Path(build), scripts, keep, quiet, slow
        first = scripts[0] if scripts else headers.Script("shell", "")
        self.name = name or first.stem
        self.run = CACHE / "run" / self.name
        self.output, self.dmesg = self.run / "output", self.run / "dmesg"
        self.exact, self.watch = first.get("exact"), first.get("watch")
        self.server = first.get("server")
        self.memory = bytes_of(mem or first.get("mem", "2G"))
        self.cpus = int(cpus or first.get("smp", 1 if self.exact else 2))
        self.limit = int(limit or 60 + slow * sum(script.seconds for script in scripts))
        self.words = self._words(first, append, kunit)
        self.settings = {"modprobe": "1" if modprobe else "", "shell": "" if scripts else "1",
                         "exact": self.exact or "", "verbose": "1" if verbose else ""}
        self.extra = " ".join([*first.all("qemu"), extra]).replace("@DIR@", str(self.run / "scratch")).split()
        if first.get("root") == "yes":
            self.extra += ["-virtfs", "local,path=/,mount_tag=debian,security_model=none,readonly=on,"
                           "multidevs=remap"]
        self.extra += qemu.files(disks, nvdimms)
        self.fate, self.problems, self._status = "", {}, {}
        self._log_parts = {}

    def _words(self, first, append, kunit):
        """The words of the kernel's command line that this guest adds."""
        words = " ".join([*first.all("cmdline"), append])
        if first.name in ("shell", "stdin") and "memmap=" not in words:
            words = f"{TWO_REGIONS} {words}"
        # The suites run in the guest of kunit/LANE; elsewhere they would only fill the log.
        return words if kunit else f"{words} kunit.enable=0"

    # --- before ---------------------------------------------------------------------------------

    def _prepare(self):
        """Empty the directory of the run; only a guest that keeps its memory keeps the scratch directory."""
        scratch = self.run / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        for file in self.run.iterdir():
            if file.is_file() and file.name not in ("ram", "lock") or file.is_socket():
                file.unlink()
        if not self.keep:
            shutil.rmtree(scratch)
            scratch.mkdir()
            (self.run / "ram").unlink(missing_ok=True)
        with open(self.run / "ram", "ab") as ram:
            if ram.tell() not in (0, self.memory):
                raise Failed(f"{on_host(self.run / 'ram')} is of another size; omit --keep")
            ram.truncate(self.memory)
        self._initrd()

    def _initrd(self):
        """Make the initramfs: user space, modules, tests, and the settings of this run."""
        with tempfile.TemporaryDirectory() as work:
            work = Path(work)
            parts = [work / part for part in ("user", "modules", "tests", "run")]
            initramfs.user(parts[0])
            initramfs.modules(parts[1], self.build)
            initramfs.tests(parts[2], self.scripts)
            settings = work / "settings/etc/guest"
            settings.mkdir(parents=True)
            (settings / "run").write_text("".join(f"{key}={value}\n" for key, value in self.settings.items()))
            (settings / "scripts").write_text(
                "".join(f"{script.name} {script.seconds * self.slow}\n" for script in self.scripts))
            if any(script.get("image") == "yes" for script in self.scripts):
                (work / "settings/boot").mkdir()
                shutil.copy(self._kernel(), work / "settings/boot/bzImage")
            initramfs.archive(work / "settings", parts[3])
            with open(self.run / "initrd", "wb") as initrd:
                for part in parts:
                    with open(part, "rb") as file:
                        shutil.copyfileobj(file, initrd)

    def _plugin(self):
        """QEMU's arguments for the persistence checker: it watches the memory of the memmap= words."""
        if not self.watch:
            return []
        ranges = [f"range={bytes_of(at):x}+{bytes_of(size):x}"
                  for size, at in re.findall(r"memmap=(\w+)!(\w+)", self.words)]
        # the timeline makes a picture; a guest that counts instructions needs none
        if not self.exact:
            ranges.append(f"timeline={self.run}/timeline")
        elif self.cpus > 1:
            ranges.append("turns=yes")
        settings = ",".join([f"file={persist.plugin()}", f"fences={self.watch}", f"report={self.run}/report",
                             *ranges])
        return ["-plugin", settings]

    def _kernel(self):
        """The image of a lane, or of a directory in which a kernel was built."""
        for file in (self.build / "arch/x86/boot/bzImage", self.build / "bzImage"):
            if file.exists():
                return file
        raise Failed(f"there is no kernel in {on_host(self.build)}")

    def _machine(self):
        """QEMU's arguments but those for the reports."""
        kernel = self._kernel()
        if self.exact:
            self.accelerator = qemu.EXACT
        elif not self.watch and qemu.kvm_works(kernel):
            self.accelerator = qemu.ACCELERATED
        else:
            self.accelerator = qemu.EMULATED
        return [*qemu.machine(self.run, kernel, self.memory, self.cpus, self.accelerator, self.words),
                *self._plugin(), *self.extra]

    @contextlib.contextmanager
    def _locked(self):
        self.run.mkdir(parents=True, exist_ok=True)
        with open(self.run / "lock", "wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Failed(f"another guest runs in {on_host(self.run)}; choose a --name") from None
            yield

    # --- the run --------------------------------------------------------------------------------

    def shell(self):
        """Run the guest with this terminal as its console."""
        if not sys.stdin.isatty():
            raise Failed("a shell needs a terminal; to run commands, give them to `guest -` on standard input")
        with self._locked():
            self._prepare()
            return subprocess.run([*self._machine(), "-chardev", "stdio,id=tty,signal=off",
                                   "-serial", "chardev:tty"], check=False).returncode

    def boot(self):
        """Run the guest to its end, and judge. Return the guest."""
        with self._locked():
            self._prepare()
            arguments = [*self._machine(), *qemu.reports(self.run, self.exact)]
            for attempt in range(1, ATTEMPTS + 1):
                self._serve()
                progress = Progress(self)
                with ticking(f"guest {self.name}", progress.state):
                    status, late = qemu.run(arguments, self.run, self._late, self.limit, progress.show)
                progress.show()
                if not self._mistaken() or attempt == ATTEMPTS:
                    break
                shutil.copy(self.dmesg, f"{self.dmesg}.boot-{attempt}")
                step(f"{self.name}: the kernel did not reach its first script; see "
                     f"{on_host(self.dmesg)}.boot-{attempt}; booting again")
            self._judge(status, late)
        return self

    def discard(self):
        """Remove the large files of the run: memory and initramfs."""
        for name in ("ram", "initrd"):
            (self.run / name).unlink(missing_ok=True)

    def _serve(self):
        """Start the program of the header "server", which ends with the guest."""
        if not self.server:
            return
        with open(self.run / "server", "wb") as log:
            if subprocess.run([NVDIMM / self.server, self.run / "scratch"], stdin=subprocess.DEVNULL, stdout=log,
                              stderr=log, check=False).returncode:
                raise Failed(f"{self.server} did not start; see {on_host(self.run / 'server')}")

    def _began(self):
        return self.dmesg.exists() and b"guest: begin " in self.dmesg.read_bytes()

    def _late(self, seconds):
        return seconds > self.limit or (seconds > BOOT_LIMIT * self.slow and not self._began())

    def _mistaken(self):
        """Whether this may be a wrong execution by TCG.

        With several vCPUs it sometimes executes code wrongly that a kernel with jump labels patches while it
        boots. Only such a kernel is booted again, and only if no script began.
        """
        config = self.build / "config"
        return (self.accelerator is qemu.EMULATED and self.cpus > 1 and not self.keep and not self._began()
                and self.dmesg.exists() and self.dmesg.stat().st_size > 0
                and config.exists() and "CONFIG_JUMP_LABEL=y" in config.read_text().splitlines())

    # --- afterwards -----------------------------------------------------------------------------

    def _judge(self, status, late):
        """Look for problems in the log of each script that the script does not allow."""
        log = logs.read(self.dmesg)
        self._log_parts = logs.by_script(log, late)
        for part in ("boot", *(script.name for script in self.scripts)):
            self._look_for_problems(part)
        for line in logs.read(self.run / "status"):
            name, _, code = line.partition(" ")
            self._status[name] = int(code or 0)
        if late:
            tasks = logs.stuck(self._log_parts.get("late", []))[:60]
            self.fate = f"it was not finished after {self.limit} s; its tasks:\n" + "\n".join(tasks)
        elif not log:
            self.fate = f"QEMU did not start the guest: {qemu.reason(self.run)}"
            self.problems = {}
        elif status:
            self.fate = f"QEMU ended with {status}: {qemu.reason(self.run)}"
        elif "end" not in self._status:
            self.fate = "the guest ended too early; its last lines:\n" + "\n".join(log[-25:])

    def _look_for_problems(self, part):
        lines = self._log_parts.get(part, [])
        functions = self.build / "functions"
        if functions.exists():
            lines, elsewhere = logs.without_races_elsewhere(lines, set(functions.read_text().split()))
            with open(self.run / "races-elsewhere", "a", encoding="utf-8") as file:
                file.writelines(f"{title}\n" for title in elsewhere)
        script = next((script for script in self.scripts if script.name == part), headers.Script(part, ""))
        allowed = script.all("allow")
        for component, kind in lanes.components(self.build.name).items():
            allowed += script.all(f"allow {component}={kind}")
        found = logs.problems(lines, allowed)
        if found:
            self.problems[part] = found
        (self.run / f"{script.stem}.dmesg").write_text("\n".join(lines) + "\n")

    def status(self, script):
        """The exit status of a script, or None if it did not finish."""
        return self._status.get(script.name)

    def document(self, script):
        """The lines that a script printed."""
        lines, on = [], False
        for line in logs.read(self.output):
            if line.startswith("== "):
                on = line == f"== {script.name}"
            elif on:
                lines.append(line)
        return lines


class Progress:
    """Shows what a guest prints; of a quiet one, how far it is."""

    def __init__(self, guest):
        self.guest, self.shown = guest, 0

    def show(self):
        """Print what the scripts have printed since."""
        if self.guest.quiet or not self.guest.output.exists():
            return
        with open(self.guest.output, "rb") as file:
            file.seek(self.shown)
            sys.stdout.buffer.write(file.read())
            self.shown = file.tell()
        sys.stdout.flush()

    def state(self):
        """How far it is, for a line of progress; None if the output shows that."""
        output = logs.read(self.guest.output)
        script = next((line[3:] for line in reversed(output) if re.fullmatch(r"== \S+", line)), None)
        if not script or self.shown:
            return None if self.shown else "it boots"
        ok = sum(line.startswith("ok ") for line in output)
        failed = sum(line.startswith("not ok ") for line in output)
        return f"{script}; {ok} ok, {failed} not ok so far"


# --- the command ----------------------------------------------------------------------------------

ABOUT = """\
SCRIPT is the name of a file in tools/testing/selftests/dax, or - for standard input. The guest runs it
in /tests, which holds all files of that directory. This program prints the scripts' output. Exit
status: that of the script; of several scripts, 1 if one of them failed. 124: the guest did not finish
in time. 125: it ended without a status, or its kernel reported a problem. The header of the first
script ("# mem: 2G", see the README there) says what the guest is like; options override it."""


def image(text):
    """The user's file FILE or FILE,rw."""
    name, _, how = text.partition(",")
    path = from_host(name)
    if how not in ("", "rw") or not path.is_file():
        raise argparse.ArgumentTypeError(f"{name} is no file" if how in ("", "rw") else f"{how}: only rw can follow")
    return File(path, how == "rw")


def parser():
    """The options of the command guest."""
    options = argparse.ArgumentParser(
        prog="guest", description="Boot a guest with pmem regions and run scripts in it.", epilog=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("script", nargs="*")
    options.add_argument("--shell", action="store_true", help="an interactive shell instead of scripts")
    options.add_argument("--lane", default="integrated", help="the kernel: that of a lane (%(default)s), or a"
                         " directory of a kernel build as seen in the root")
    options.add_argument("--mem", metavar="SIZE", help="RAM, regions included (2G)")
    options.add_argument("--append", metavar="WORDS", default="", help="add to the kernel's command line")
    options.add_argument("--cpus", type=int, help="virtual CPUs (2)")
    options.add_argument("--limit", type=int, metavar="SECONDS", help="end the guest after this time")
    options.add_argument("--name", help="the run's directory in run/ of the cache (the script's name)")
    options.add_argument("--keep", action="store_true", help="boot over memory and scratch directory of the last"
                         " run of this name: a power cycle")
    options.add_argument("--modprobe", action="store_true", help="load the drivers of regions (e820, nfit) and pmem first")
    options.add_argument("--disk", dest="disks", action="append", default=[], type=image, metavar="FILE[,rw]",
                         help="a disk image of yours as a virtio disk; what is written is lost, without ,rw")
    options.add_argument("--nvdimm", dest="nvdimms", action="append", default=[], type=image,
                         metavar="FILE[,rw]", help="a file of yours as an NVDIMM")
    options.add_argument("--qemu", dest="extra", metavar="WORDS", default="", help="more arguments for QEMU")
    options.add_argument("--slow", type=int, default=1, metavar="N", help="multiply the scripts' timeouts")
    options.add_argument("--quiet", action="store_true", help="only write the output to the run's directory")
    options.add_argument("--verbose", action="store_true", help="show the output of tests that pass, too")
    return options


def exit_status(guest):
    """Say what went wrong; return the status that the command ends with."""
    for part, lines in guest.problems.items():
        print(f"guest: the kernel reported a problem in {part}:", *lines[:20], sep="\n    ! ", file=sys.stderr)
    if guest.fate:
        print(f"guest: {guest.name}: {guest.fate}\nguest: the kernel log is {on_host(guest.dmesg)}", file=sys.stderr)
        return 124 if "not finished" in guest.fate else 125
    if guest.problems:
        return 125
    found = [guest.status(script) for script in guest.scripts]
    return found[0] if len(found) == 1 else int(any(status not in (0, 4) for status in found))


def main(arguments):
    """Run the command guest."""
    options = vars(parser().parse_args(arguments))
    names, shell, lane = (options.pop(name) for name in ("script", "shell", "lane"))
    if not names and not shell:
        raise Failed("no script given; see --help")
    scripts = [headers.Script("stdin", sys.stdin.read()) if name == "-" else headers.read(name)
               for name in names]
    build = Path(lane) if "/" in lane else kernel.built(lane)
    if shell and not options["name"]:
        options["name"] = f"shell-{build.name}"
    guest = Guest(build, scripts, **options)
    return guest.shell() if shell else exit_status(guest.boot())

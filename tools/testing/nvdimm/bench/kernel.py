# SPDX-License-Identifier: GPL-2.0
"""Builds what a lane boots: a kernel with this tree linked in or, for the lane stock, modules for Debian's
binary kernel. The result is the part lane/LANE of the cache: bzImage, config, modules. Objects stay in
build/ of the cache for the next build."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench import lanes, modules, parts, paths, sources
from bench.paths import CACHE, CHECKOUT, LINUX, NVDIMM
from bench.progress import Failed, last_line, locked, run, step

CONFIG = NVDIMM / "config"
BASE = CONFIG / "base.config"
INTEGRATED_BY = CACHE / "src/integrated-by"
STOCK_MAKE = ("O=/build", "CC=gcc-14", "CROSS_COMPILE=x86_64-linux-gnu-", "LOCALVERSION=+deb13-amd64")
JOBS = f"-j{os.cpu_count()}"

# Files that no kernel object is made from: changing them causes no rebuild.
APART = """--exclude=/.* --exclude=/Documentation --exclude=/LICENSES --exclude=/MAINTAINERS
    --include=/tools/testing/nvdimm/ --include=/tools/testing/nvdimm/Kbuild
    --exclude=/tools/testing/nvdimm/* --exclude=/tools/testing/*
    --exclude=/*.md --exclude=/Makefile --exclude=*.o --exclude=*.ko --exclude=*.cmd --exclude=*~""".split()

# The lane kcsan instruments this tree and the C code that shares most of its structures. KCSAN samples
# accesses: with more code instrumented it would miss a lock that this tree forgets.
WATCHED = ("KCSAN_SANITIZE=$(if $(filter rust-dax rust-dax/% drivers/dax drivers/nvdimm fs/iomap "
           "block/badblocks lib/xarray mm/memory-failure mm/rmap mm/truncate,$(obj) $(obj)/$(target-stem)),y,n)")

# One complaint of objtool is ignored: before rustc 1.88, core calls a formatter without a CFI check.
FORMATTER = re.compile(r"core3fmt5write\+0x[0-9a-f]*: no-cfi indirect call!")
ERROR = re.compile(r"(^|[ /])(error|fatal error)(\[|:| )|: error: |^ERROR|undefined symbol|No space")


def inside(objects, command, stage=None):
    """The command, run where OBJECTS is /build and STAGE, if there is one, the checkout.

    Objects record the path of the build directory. It is /build for every lane, so that seed() can
    copy the objects of one lane to another.
    """
    script = 'mount --bind "$1" /rust-dax && mount --bind "$2" /build && shift 2 && exec "$@"'
    return ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", script, "sh",
            stage or CHECKOUT, objects, *command]


def options(lane):
    """The options of the lane that base.config does not have."""
    wanted = {"core": "DAX_RUST=y", "fsdax": "FS_DAX_RUST=y", "pmem": "BLK_DEV_PMEM_RUST=m",
              "e820": "X86_PMEM_LEGACY_RUST=m"}
    lines = [f"CONFIG_{wanted[name]}" if what == "rust" else f"# CONFIG_{wanted[name][:-2]} is not set"
             for name, what in lanes.components(lane).items()]
    fragment = CONFIG / f"{lane}.config"
    return "\n".join(lines) + "\n" + (fragment.read_text() if fragment.exists() else "")


def not_kept(wanted, got):
    """The options that one configuration sets and another has otherwise."""
    kept = dict(re.findall(r"^(CONFIG_\w+)=(.*)", got, re.MULTILINE))
    want = re.findall(r"^(CONFIG_\w+)=(.*)|^# (CONFIG_\w+) is not set", wanted, re.MULTILINE)
    last = {name or off: value for name, value, off in want}
    return [f"{name}={value}" if value else f"{name} off" for name, value in last.items()
            if kept.get(name, "") != value]


def complaints(log):
    """objtool's complaints in the log of a build."""
    return [line for line in log.splitlines() if ": objtool: " in line and not FORMATTER.search(line)]


def errors(log, most=20):
    """The lines of a build's log that have an error, with those around them."""
    lines = log.splitlines()
    found = [number for number, line in enumerate(lines) if ERROR.search(line)][:most]
    shown = sorted({near for number in found for near in range(max(0, number - 1), number + 7)})
    return [lines[number][:240] for number in shown if number < len(lines)]


def stage(lane):
    """Copy the tree: the build reads the copy. make compares times, so a file of it is replaced only when its
    content changes; several checkouts or branches can share a cache."""
    to = CACHE / "stage" / lane
    to.mkdir(parents=True, exist_ok=True)
    copy = ["rsync", "-rlpc", "--delete", *APART, f"{CHECKOUT}/", f"{to}/"]
    if subprocess.run(copy, check=False).returncode:
        raise Failed(f"cannot copy the sources to {paths.on_host(to)}")
    return to


def integrate(lane):
    """Make sure that the kernel source in the cache has the hooks of this checkout, and its fixes if the lane
    has them. All lanes share that source: a file that a fix changes is built again in the next lane of
    the other kind, which ccache makes cheap."""
    tools = CHECKOUT / "tools/integrate"
    fixes = ["--fixes"] if lanes.has_fixes(lane) else []
    key = parts.digest(tools, *fixes)
    if parts.current(INTEGRATED_BY, key):
        return
    step("linking this tree into the kernel source")
    before = INTEGRATED_BY / "tools/integrate/unintegrate"
    commands = [[before, LINUX]] if before.exists() else []
    for command in (*commands, [tools / "integrate", *fixes, LINUX]):
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
            raise Failed(f"cannot link this tree into {paths.on_host(LINUX)}; "
                         "remove that directory and try again")
        parts.remove(INTEGRATED_BY)
    shutil.copytree(tools, parts.empty(INTEGRATED_BY) / "tools/integrate")
    parts.install(INTEGRATED_BY, key)


class Build:
    """The build of one lane: its sources, objects, log, and the directory that the result is made in."""

    def __init__(self, lane):
        self.lane = lane
        self.stage = stage(lane)
        self.objects = CACHE / "build" / f"lane-{lane}"
        self.log = CACHE / "build" / f"lane-{lane}.log"
        self.out = parts.beside(lanes.directory(lane), "tmp")

    def key(self):
        """What the result is made from."""
        own = [__file__, modules.__file__] if self.lane == "stock" else [__file__]
        return parts.digest(self.stage, NVDIMM / "versions", BASE, options(self.lane), *map(Path, own))

    def run(self, command, text, probe=None):
        """Run a command over the staged sources; whether it succeeded."""
        return run(inside(self.objects, command, self.stage), self.log, text, probe) == 0

    def progress(self):
        """How far make is."""
        steps = re.findall(r"^  [A-Z]", self.log.read_text(errors="replace"), re.MULTILINE)
        return f"{len(steps)} steps, {last_line(self.log, 50)}"

    def make(self, text, *arguments):
        """Run make in the kernel source. It names its jobserver's FIFO by its process number: one that a
        killed make left would make it run one job at a time."""
        for fifo in self.objects.glob("GMfifo*"):
            fifo.unlink()
        command = ["env", "MAKE_TMPDIR=/build", "make", "-C", LINUX, *arguments]
        if not self.run(command, text, self.progress):
            print("\n".join(errors(self.log.read_text(errors="replace"))), file=sys.stderr)
            raise Failed(f"the build of lane {self.lane} failed; the whole log is {paths.on_host(self.log)}")

    def check_objtool(self):
        """In the lane cfi a complaint of objtool is an error. Remove the objects that objtool checked, so
        that the next build runs it again."""
        if self.lane == "cfi" and (found := complaints(self.log.read_text(errors="replace"))):
            built = (CACHE / "build").glob("lane-cfi*/**/*.mod")
            for module in (self.objects / "vmlinux.o", *built):
                module.with_suffix(".o").unlink(missing_ok=True)
            raise Failed("\n".join([f"objtool complains of lane {self.lane}:", *found[:5]]))

    def seed(self):
        """A lane without objects, or with objects of another base.config, starts from the objects of a lane
        with the current base.config. Not so debug, kcsan and cfi, in which every object differs."""
        self.objects.mkdir(parents=True, exist_ok=True)
        if same_base(self.objects) or self.lane in ("debug", "kcsan", "cfi"):
            return
        for other in ("integrated", "ctwin", "fsdax", "core", "pmem"):
            objects = CACHE / "build" / f"lane-{other}"
            if parts.beside(lanes.directory(other), "stamp").exists() and same_base(objects):
                made = parts.beside(self.objects, "tmp")
                parts.remove(made)
                subprocess.run(["cp", "-a", "--reflink=auto", objects, made], check=True)
                parts.remove(self.objects)
                made.rename(self.objects)
                return

    def configure(self):
        """Configure the kernel, unless neither the options nor any Kconfig file have changed since. Fail if
        Kconfig did not keep a value."""
        own, configured = options(self.lane), self.objects / "configured"
        shutil.copyfile(BASE, self.objects / "base.config")
        (self.objects / "lane.config").write_text(own)
        key = parts.digest(BASE, own, parts.beside(INTEGRATED_BY, "stamp"), self.stage / "Kconfig",
                           NVDIMM / "versions")
        if parts.text(configured) == key:
            return
        configured.unlink(missing_ok=True)
        if not self.run(["sh", "-c", """set -e
                cd /cache/src/linux
                kconfig() { make -s LLVM=1 O=/build KCONFIG_CONFIG=/build/.config.new "$1"; }
                kconfig allnoconfig
                KCONFIG_CONFIG=/build/.config.new scripts/kconfig/merge_config.sh -m -O /build \\
                    /build/.config.new /build/base.config /build/lane.config
                kconfig olddefconfig
                cmp -s /build/.config.new /build/.config || mv /build/.config.new /build/.config
                rm -f /build/.config.new /build/.config.new.old"""], f"configuring lane {self.lane}"):
            raise Failed(f"lane {self.lane} cannot be configured ({last_line(self.log)}); "
                         f"see {paths.on_host(self.log)}")
        wrong = not_kept(BASE.read_text() + own, (self.objects / ".config").read_text())
        if wrong:
            raise Failed(f"lane {self.lane}: Kconfig did not keep these options, check what they depend on: "
                         + " ".join(wrong))
        configured.write_text(key)

    def simulated(self, name, *arguments):
        """Build nfit_test or cxl_test, the modules of the kernel's tools/testing that simulate firmware and
        memory. They have the same names as the ordinary modules, so they are installed in a directory of
        their own, modules/simulated."""
        objects = CACHE / "build" / f"lane-{self.lane}-simulated/tools/testing" / name
        self.make(f"lane {self.lane}: simulated {name}", *arguments, JOBS,
                  f"M={LINUX}/tools/testing/{name}", f"MO={objects}", "modules")
        to = self.out / "modules/simulated"
        to.mkdir(parents=True, exist_ok=True)
        for module in objects.rglob("*.ko"):
            shutil.copy(module, to)

    def functions(self):
        """The names of this tree's functions, by which KCSAN's reports are judged."""
        objects = (self.objects / "rust-dax").rglob("*.o")
        said = subprocess.run(["llvm-nm", "--defined-only", "--format=posix", *objects], check=True,
                              text=True, stdout=subprocess.PIPE).stdout
        return "\n".join(sorted(set(re.findall(r"^(\S+) [tTwW]\b", said, re.MULTILINE)))) + "\n"

    def kernel(self):
        """Build a kernel with this tree linked in, and its modules."""
        integrate(self.lane)
        self.seed()
        self.configure()
        watched = [WATCHED] if self.lane == "kcsan" else []
        self.make(f"lane {self.lane}", "LLVM=1", "O=/build", JOBS, *watched, "bzImage", "modules")
        parts.empty(lanes.directory(self.lane))
        self.make(f"lane {self.lane}: modules", "-s", "LLVM=1", "O=/build",
                  f"INSTALL_MOD_PATH={self.out}/modules/usr", "modules_install")
        for link in [*self.out.glob("modules/usr/lib/modules/*/build")]:
            link.unlink()
        for name in ("arch/x86/boot/bzImage", "System.map"):
            shutil.copy(self.objects / name, self.out)
        shutil.copy(self.objects / ".config", self.out / "config")
        if self.lane == "kcsan":
            (self.out / "functions").write_text(self.functions())
        self.simulated("nvdimm", "LLVM=1", "O=/build")
        # cxl_test of 7.2.12 uses a parameter that it does not define, and exports symbols that lld wraps.
        self.simulated("cxl", "LLVM=1", "LD=ld", "O=/build", "KCFLAGS=-Dtype2_test=false")

    def prepare_stock(self, release):
        """Debian's kernel headers have no Rust metadata. Make it from the same source with the same
        configuration and compilers."""
        prepared, key = self.objects / "prepared", parts.digest(NVDIMM / "versions")
        if parts.text(prepared) == key:
            return
        headers = sources.STOCK / f"usr/src/linux-headers-{release}"
        prepared.unlink(missing_ok=True)
        shutil.copyfile(headers / ".config", self.objects / ".config")
        self.make("preparing Debian's configuration", *STOCK_MAKE, "olddefconfig")
        self.make("preparing Debian's configuration", *STOCK_MAKE, JOBS, "modules_prepare")
        shutil.copyfile(headers / "Module.symvers", self.objects / "Module.symvers")
        made = (self.objects / "include/generated/utsrelease.h").read_text()
        if f'"{release}"' not in made:
            raise Failed(f"the prepared tree is not {release}: {made}")
        prepared.write_text(key)

    def stock(self):
        """Build this tree's modules for Debian's kernel, and put them to those of Debian's that guests
        need."""
        sources.stock()
        release = paths.versions()["STOCK_RELEASE"]
        self.objects.mkdir(parents=True, exist_ok=True)
        integrate(self.lane)
        self.prepare_stock(release)
        own = CACHE / "build/lane-stock-modules"
        self.make("lane stock", *STOCK_MAKE, JOBS, "M=/rust-dax", f"MO={own}", "modules")
        parts.empty(lanes.directory(self.lane))
        debian = sources.STOCK / "usr/lib/modules" / release
        if not (debian / "modules.dep").exists():
            subprocess.run(["depmod", "-b", sources.STOCK, release], check=True)
        modules.take(release, sources.STOCK, self.out / "modules")
        to = self.out / "modules/usr/lib/modules" / release
        (to / "updates").mkdir()
        for module in own.rglob("*.ko"):
            for debians in to.rglob(module.name):
                debians.unlink()
            shutil.copy(module, to / "updates")
        shutil.copyfile(debian / "vmlinuz", self.out / "bzImage")
        shutil.copyfile(debian / "config", self.out / "config")
        # Debian does not configure the test of passphrases, which affects these modules only. Debian's CXL
        # core is built in, so no simulated one can replace it.
        self.simulated("nvdimm", *STOCK_MAKE, "CONFIG_BLK_DEV_PMEM_RUST=m", "CONFIG_X86_PMEM_LEGACY_RUST=m",
                       "KCFLAGS=-DCONFIG_NVDIMM_SECURITY_TEST=1")


def same_base(objects):
    """Whether these objects were configured with the current base.config."""
    return (objects / "configured").exists() and parts.text(objects / "base.config") == parts.text(BASE)


def main(arguments):
    """LANE..."""
    for lane in arguments:
        build(lane)


def built(lane):
    """The directory of what the lane boots, which is built if the cache does not have it."""
    build(lane)
    return lanes.directory(lane)


def build(lane):
    """Build what the lane boots, unless the cache has it."""
    if lane not in lanes.KNOWN:
        raise Failed(f"unknown lane {lane}; there are {' '.join(lanes.KNOWN)}")
    sources.source()
    (CACHE / "build").mkdir(exist_ok=True)
    with locked(CACHE / "build.lock", "build in this cache"):
        if lane == "other":
            from bench import other  # pylint: disable=import-outside-toplevel  # it uses this module
            other.make()
            return
        task = Build(lane)
        key = task.key()
        if parts.current(lanes.directory(lane), key):
            return
        step(f"building lane {lane}")
        task.log.write_text("")
        (task.stock if lane == "stock" else task.kernel)()
        task.check_objtool()
        parts.install(lanes.directory(lane), key)
        step(f"lane {lane} is ready")

# SPDX-License-Identifier: GPL-2.0
"""Compiles this tree for the kernels that tools/integrate/kernels lists, from Debian's source packages.

Of each kernel only what our objects need is built: configuration, headers, the kernel's Rust crates, then the
directories that the hooks change, and the modules as `make KDIR=` does. Nothing is linked to a kernel or run.
The sources of a kernel and its objects are removed when all compiles, and kept when not.
"""

import re
import subprocess
import sys

from bench import kernel, parts, paths
from bench.paths import CACHE, CHECKOUT, NVDIMM
from bench.progress import Failed, last_line, locked, run, step

RANGE = CACHE / "range"
PACKAGES = RANGE / "packages"
KERNELS = CHECKOUT / "tools/integrate/kernels"
OBJECTS = ("rust-dax/", "drivers/dax/", "drivers/nvdimm/")
# PROC_SYSCTL became part of SYSCTL in 7.3; in 7.2 it selects SYSCTL.
CONFIGURE = """set -e
    make -s LLVM=1 O=/build allnoconfig
    scripts/kconfig/merge_config.sh -m -O /build /build/.config /build/wanted.config
    make -s LLVM=1 O=/build olddefconfig"""
UNPACK = 'dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards "*.tar.xz" | tar -C "$2" --strip-components=1 -xJ'


class Absent(Exception):
    """The mirror does not have the source of a kernel."""


def versions():
    """The kernels to compile for."""
    return re.findall(r"^(?:compiled|checked|untried) (\S+)", KERNELS.read_text(), re.MULTILINE)


def listed(name, version):
    """The version of the package that has the kernel's source, by apt's lists; "" without one."""
    said = subprocess.run(["apt-cache", "madison", name], check=False, text=True, stdout=subprocess.PIPE).stdout
    found = re.search(rf"^ *{name} \| ({re.escape(version)}-\S+) ", said, re.MULTILINE)
    return found[1] if found else ""


def package(version, log):
    """The file of Debian's package with the kernel's source, which is downloaded unless the cache has it."""
    name = f"linux-source-{version.rpartition('.')[0]}"
    for file in PACKAGES.glob(f"{name}_{version}-*.deb"):
        return file
    if not listed(name, version):
        run(["apt-get", "-q", "update"], log)
    exact = listed(name, version)
    if not exact:
        raise Absent(f"the mirror has no {name} of {version}")
    made = parts.empty(PACKAGES / version)
    step(f"downloading {name} {exact}")
    if run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", f"{name}={exact}"], log, cwd=made):
        raise Failed(f"{name} {exact} cannot be downloaded ({last_line(log)}); see {paths.on_host(log)}")
    file = next(made.glob("*.deb"))
    file = file.rename(PACKAGES / file.name)
    parts.remove(made)
    return file


class Compilation:
    """The compilation for one kernel."""

    def __init__(self, version):
        self.version = version
        self.log = RANGE / f"{version}.log"
        self.linux = RANGE / version / "linux"
        self.objects = RANGE / version / "objects"

    def do(self, text, *command):
        """Run a command in the kernel's source, with its objects as /build."""
        step(f"Linux {self.version}: {text}")
        inside = kernel.inside(self.objects, [str(word) for word in command])
        if run(inside, self.log, f"Linux {self.version}: {text}", cwd=self.linux):
            print("\n".join(kernel.errors(self.log.read_text(errors="replace"))), file=sys.stderr)
            raise Failed(f"Linux {self.version}: {text} failed ({last_line(self.log)}); "
                         f"the whole log is {paths.on_host(self.log)}")

    def make(self, text, *goals):
        """Run make in the kernel's source."""
        self.do(text, "make", "LLVM=1", "O=/build", kernel.JOBS, *goals)

    def unpack(self):
        """Make a new directory of the kernel's source."""
        file = package(self.version, self.log)
        parts.remove(RANGE / self.version)
        for directory in (self.linux, self.objects):
            directory.mkdir(parents=True)
        self.do("unpacking", "sh", "-ec", UNPACK, "sh", file, self.linux)

    def configure(self):
        """Configure the kernel as the lane integrated, with all components in Rust."""
        ours = kernel.options("integrated")
        (self.objects / "wanted.config").write_text(f"{kernel.BASE.read_text()}CONFIG_SYSCTL=y\n{ours}")
        self.do("configuring", "sh", "-c", CONFIGURE)
        if wrong := kernel.not_kept(ours, (self.objects / ".config").read_text()):
            raise Failed(f"Linux {self.version}: Kconfig did not keep {' '.join(wrong)}")

    def run(self):
        """All of it."""
        self.unpack()
        self.do("linking this tree in", CHECKOUT / "tools/integrate/integrate", "--fixes", self.linux)
        self.do("comparing helpers", NVDIMM / "walls/kernels.py", CHECKOUT, self.linux)
        self.configure()
        self.make("the kernel's headers and Rust", "modules_prepare")
        self.make("objects", *OBJECTS)
        # There is no vmlinux that would have the symbols.
        self.make("modules", "KBUILD_MODPOST_WARN=1", f"M={CHECKOUT}", "MO=/build/external", "modules")
        for module in ("nd_pmem", "nd_e820"):
            if not (self.objects / f"external/{module}.ko").exists():
                raise Failed(f"Linux {self.version}: there is no {module}.ko; see {paths.on_host(self.log)}")
        parts.remove(RANGE / self.version)


def build(version):
    """Compile this tree for the kernel. Absent: there is no source of it."""
    PACKAGES.mkdir(parents=True, exist_ok=True)
    with locked(RANGE / "lock", "compilation for other kernels"):
        task = Compilation(version)
        task.log.write_text("")
        task.run()


def main(arguments):
    """[VERSION...]; without, all."""
    failed = 0
    for version in arguments or versions():
        try:
            build(version)
            print(f"Linux {version}: this tree compiles")
        except Absent as absent:
            print(f"Linux {version}: SKIP, {absent}")
        except Failed as failure:
            print(failure)
            failed += 1
    return 1 if failed else 0

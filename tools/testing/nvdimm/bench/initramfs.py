# SPDX-License-Identifier: GPL-2.0
"""Makes the archives that a guest's initramfs consists of: user space, modules, tests."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench import mm_selftests, ndctl, parts
from bench.paths import CACHE, LINUX, NVDIMM, SELFTESTS
from bench.progress import Failed, locked, step

# Programs of the root that replace busybox's applets in every guest. selftests/dax/programs lists the
# programs that tests call besides.
PROGRAMS = "kmod mount umount mountpoint lsblk findmnt timeout setsid fallocate dash mke2fs tune2fs".split()
DIRECTORIES = "usr/bin usr/sbin usr/lib usr/lib64 dev proc sys etc root mnt var/lock selftests/dax".split()
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64",
         "tests": "selftests/dax",
         # busybox's shell prefers its own applets to programs; dash does not
         "usr/bin/sh": "dash", "etc/mtab": "/proc/mounts",
         # the kernel's request_module() runs this path
         "usr/sbin/modprobe": "../bin/kmod",
         **{f"usr/bin/{name}": "kmod" for name in "insmod rmmod lsmod modprobe modinfo depmod".split()}}
MADE = CACHE / "initramfs"
BUILT = CACHE / "programs"
TARGET = "x86_64-unknown-linux-gnu"


def archive(tree, out):
    """Write a cpio archive of a directory. The same files give the same bytes: otherwise the kernel's
    instruction count would vary, as it parses the headers digit by digit. Resets the files' times."""
    files = [tree, *tree.rglob("*")]
    for file in files:
        os.utime(file, (0, 0), follow_symlinks=False)
    names = sorted(os.fsencode(file.relative_to(tree)) for file in files)
    with open(out, "wb") as file:
        subprocess.run(["cpio", "--quiet", "-o", "-0", "-H", "newc", "-R", "0:0", "--reproducible"], cwd=tree,
                       input=b"\0".join(names), stdout=file, check=True)


@contextlib.contextmanager
def tree_for(out):
    """A directory that becomes the archive OUT."""
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "tree"
        tree.mkdir()
        yield tree
        archive(tree, out)


def own_lock():
    """All guests share the files in the cache, so one process at a time makes them."""
    MADE.mkdir(exist_ok=True)
    BUILT.mkdir(exist_ok=True)
    return locked(CACHE / "initramfs.lock", "guest that makes its initramfs")


def add_programs(tree, names):
    """Put programs of the root into the tree, with the libraries that they are linked to."""
    libraries = set()
    for name in names:
        path = shutil.which(name)
        if not path:
            raise Failed(f"the root has no {name}; add its package to the file packages")
        to = tree / "usr/bin" / Path(name).name
        to.parent.mkdir(parents=True, exist_ok=True)
        to.unlink(missing_ok=True)
        shutil.copy(path, to)
        said = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
        libraries |= set(re.findall(r"\s(/\S+) \(0x", said.stdout))
    for library in map(Path, libraries):
        # the real directory, as /lib is a link
        to = tree / (library.parent.resolve() / library.name).relative_to("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, to)


def user(out):
    """Busybox, the Debian programs that tests use, /init."""
    init, listed = NVDIMM / "guest-root/init", SELFTESTS / "programs"
    made = MADE / f"user-{parts.digest(Path(__file__), init, listed, Path('/var/lib/dpkg/status'))}.cpio"
    with own_lock():
        if not made.exists():
            new = parts.beside(made, "tmp")
            with tree_for(new) as tree:
                fill_user(tree, init, listed)
            for old in MADE.glob("user-*.cpio"):
                if old.stat().st_mtime < time.time() - 86400:
                    old.unlink()
            new.rename(made)
        Path(out).unlink(missing_ok=True)
        shutil.copyfile(made, out)


def fill_user(tree, init, listed):
    """Put user space into the tree."""
    for name in DIRECTORIES:
        (tree / name).mkdir(parents=True, exist_ok=True)
    shutil.copy("/usr/bin/busybox", tree / "usr/bin")
    subprocess.run(["chroot", tree, "/usr/bin/busybox", "--install", "-s", "/usr/bin"], check=True)
    add_programs(tree, PROGRAMS + re.findall(r"^/\S+", listed.read_text(), re.MULTILINE))
    for name, to in LINKS.items():
        (tree / name).unlink(missing_ok=True)
        (tree / name).symlink_to(to)
    shutil.copy("/etc/mke2fs.conf", tree / "etc")
    (tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tree / "etc/group").write_text("root:x:0:\n")
    shutil.copy(init, tree / "init")
    (tree / "init").chmod(0o755)
    if subprocess.run(["chroot", tree, "/usr/bin/sh", "-c", "/usr/bin/mke2fs -V"], check=False,
                      stderr=subprocess.DEVNULL).returncode:
        raise Failed("the guest's user space is incomplete")


def modules(out, build):
    """The modules of a lane, or of the directory of a kernel build."""
    with tree_for(out) as tree:
        (tree / "usr").mkdir()
        (tree / "lib").symlink_to("usr/lib")
        if (build / "modules").exists():
            shutil.copytree(build / "modules/usr/lib", tree / "usr/lib", symlinks=True)
        else:
            subprocess.run(["make", "-s", "-C", build, f"INSTALL_MOD_PATH={tree}/usr", "modules_install"],
                           check=True)
        if (build / "modules/simulated").exists():
            shutil.copytree(build / "modules/simulated", tree / "simulated")
        [release] = os.listdir(tree / "usr/lib/modules")
        subprocess.run(["depmod", "-b", tree, release], check=True)
        (tree / "modules").mkdir()
        for module in (tree / "usr/lib/modules").rglob("*.ko"):
            (tree / "modules" / module.name).symlink_to(f"/{module.relative_to(tree)}")


def crate(name):
    """Build the program of a crate that the file crates lists, linked statically. Return its path."""
    listed = dict(re.findall(r"^(\S+) (\S+)$", (NVDIMM / "crates").read_text(), re.MULTILINE))
    version = listed.get(name)
    if not version:
        raise Failed(f"a script asks for the crate {name}, which the file crates does not list; add it")
    flags = os.environ | {"RUSTFLAGS": "-C target-feature=+crt-static -C relocation-model=static"}
    if version.startswith("."):
        source = (NVDIMM / version).resolve()
        # daxfuzz and others use the exerciser's library
        sources = {source, SELFTESTS / "daxexer"}
        key, what = parts.digest(name, *sorted(sources), NVDIMM / "versions"), ["--path", source]
    else:
        key, what = parts.digest(name, version, NVDIMM / "versions"), [name, "--version", f"={version}"]
        # these programs wait for the kernel: a higher level costs build time and gains nothing
        flags["CARGO_PROFILE_RELEASE_OPT_LEVEL"] = "1"
    program = BUILT / key
    if program.exists():
        return program
    step(f"compiling {name}")
    with tempfile.TemporaryDirectory(dir=BUILT) as made:
        if subprocess.run(["cargo", "install", "--quiet", "--locked", "--no-track", "--root", made,
                           "--target", TARGET, "--bin", name, *what], env=flags, check=False).returncode:
            raise Failed(f"cannot build the crate {name}; see the messages above, "
                         "and check that cargo reaches its registry")
        (Path(made) / "bin" / name).rename(program)
    return program


def tests(out, scripts):
    """selftests/dax, scripts from elsewhere, daxexer, and what the headers of the scripts ask for."""
    def values(key):
        return {word for script in scripts for value in script.all(key) for word in value.split()}

    with own_lock(), tree_for(out) as tree:
        to = tree / "selftests/dax"
        for directory in (to, tree / "selftests/kselftest", tree / "usr/bin"):
            directory.mkdir(parents=True)
        for file in filter(Path.is_file, SELFTESTS.iterdir()):
            shutil.copy(file, to)
        for script in scripts:
            (to / script.name).write_text(script.text)
        shutil.copy(LINUX / "tools/testing/selftests/kselftest/ktap_helpers.sh", tree / "selftests/kselftest")
        for name in {"daxexer"} | values("crate") | values("program"):
            shutil.copy(crate(name), tree / "usr/bin" / name)
        add_programs(tree, sorted(values("programs")))
        if "mm" in values("selftests"):
            shutil.copytree(mm_selftests.build(), tree / "selftests/mm")
        if "ndctl" in values("suite"):
            ndctl.build()
        for path in to.rglob("*"):
            path.chmod(path.stat().st_mode | 0o644)

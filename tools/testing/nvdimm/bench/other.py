# SPDX-License-Identifier: GPL-2.0
"""Makes the lane "other" from a kernel that was built elsewhere: KERNEL is its bzImage, MODULES the directory
that its modules were installed to (default: /). A guest boots the kernel to find out which components
are Rust; the file "components" of the lane says so."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import lanes, modules, parts, paths
from bench.paths import LINUX, NVDIMM, from_host
from bench.progress import Failed, last_line, step

LANE = lanes.directory("other")
OPTIONS = NVDIMM / "config/other"
INSTALL = "make modules_install INSTALL_MOD_PATH=DIR, then MODULES=DIR"


def release_of(image):
    """The version of a bzImage, or None."""
    said = subprocess.run(["file", "-b", image], check=True, text=True, stdout=subprocess.PIPE).stdout
    found = re.match(r"Linux kernel x86 boot executable,? bzImage, version (\S+)", said)
    return found and found[1]


def find_modules(kernel, given, release):
    """The directory of the release's modules, as the host calls it."""
    for name in (f"lib/modules/{release}", f"usr/lib/modules/{release}", release, "."):
        directory = os.path.normpath(os.path.join(given, name))
        if Path(directory).name == release and from_host(f"{directory}/kernel").is_dir():
            return directory
    top = from_host(given)
    if (top / "modules.order").exists() and (top / "Makefile").exists():
        raise Failed(f"MODULES={given} is where a kernel is built; install its modules: {INSTALL}")
    found = {path.parent.name for pattern in ("lib/modules/*/kernel", "usr/lib/modules/*/kernel")
             for path in top.glob(pattern)}
    held = f"modules of {' '.join(sorted(found))}" if found else "no modules"
    raise Failed(f"{kernel} is Linux {release}; MODULES={given} holds {held} "
                 f"-- say where lib/modules/{release} is: {INSTALL}")


def find_config(kernel, directory, release):
    """The kernel's configuration, from a file beside the kernel or from the kernel itself; or ''."""
    beside = os.path.dirname(kernel) or "."
    for name in (f"{directory}/config", f"{directory}/build/.config", f"{beside}/config-{release}",
                 f"{beside}/config", f"{kernel.removesuffix('/arch/x86/boot/bzImage')}/.config"):
        if from_host(name).is_file():
            return from_host(name).read_text()
    return subprocess.run([LINUX / "scripts/extract-ikconfig", from_host(kernel)], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def lacking(config, wanted):
    """The options of the list WANTED (config/other) that a configuration does not have, with the reasons."""
    has = dict(re.findall(r"^CONFIG_(\w+)=(.*)", config, re.MULTILINE))
    for name, value, reason in re.findall(r"^(\w+)\t+([ym*])(?:\t+(.*))?$", wanted, re.MULTILINE):
        if has.get(name, "n") != value and not (value == "*" and name in has):
            yield f"CONFIG_{name}={value.replace('*', 'y')}{': ' if reason else ''}{reason}"


def take_modules(release, source):
    """Take the modules that guests load, by an index of our own: nothing writes to the user's directory."""
    with tempfile.TemporaryDirectory() as directory:
        base, index = Path(directory) / "base", Path(directory) / "index"
        (base / "lib/modules").mkdir(parents=True)
        (base / "lib/modules" / release).symlink_to(source)
        indexed = subprocess.run(["depmod", "-b", base, "-o", index, release], check=False, text=True,
                                 stderr=subprocess.PIPE)
        if indexed.returncode:
            raise Failed(f"the modules of {paths.on_host(source)} cannot be indexed: "
                         f"{indexed.stderr.strip()[-200:]}")
        # modprobe prints only those dependencies whose files exist: link all of them
        for file in source.iterdir():
            link = index / "lib/modules" / release / file.name
            if not link.exists() and (file.name in modules.LISTS or not file.name.startswith("modules.")):
                link.symlink_to(file)
        modules.take(release, index, parts.beside(LANE, "tmp") / "modules")


def reason(dmesg, output):
    """Why the guest did not get to its script, judging by its kernel log."""
    log = dmesg.read_text(errors="replace") if dmesg.exists() else ""
    if not log:
        return ("it prints nothing on its serial console: set CONFIG_SERIAL_8250_CONSOLE=y, "
                "build it for x86-64")
    if "no virtio ports" in log or "no ports to report to" in log:
        return ("it has no port to report by: set CONFIG_VIRTIO_PCI and CONFIG_VIRTIO_CONSOLE, "
                "or install their modules")
    if re.search("Unable to mount root|No working init", log):
        return ("it does not start the guest's user space: set CONFIG_BLK_DEV_INITRD, CONFIG_BINFMT_ELF "
                "and _SCRIPT")
    return last_line(output, 200) if output.exists() else ""


def ask(kernel, release):
    """Boot the kernel to see which parts of it are Rust, as {component: "rust" or "c"}."""
    from bench import guest, headers  # pylint: disable=import-outside-toplevel  # these use the module kernel
    step(f"booting {release} to see which parts of it are Rust")
    script = headers.read("components.sh")
    booted = guest.Guest(LANE, [script], name="other", slow=4, quiet=True).boot()
    said = booted.output.read_text(errors="replace") if booted.output.exists() else ""
    if booted.status(script) != 0:
        raise Failed(f"Linux {release} of {kernel} does not run the stack: "
                     f"{reason(booted.dmesg, booted.output)}\nits log is {paths.on_host(booted.dmesg)}")
    found = dict(re.findall(r"^evidence: ([a-z0-9]+) +(rust|c) ", said, re.MULTILINE))
    if set(found) != set(lanes.COMPONENTS):
        raise Failed(f"it is not clear which parts of {release} are Rust: {found}")
    return " ".join(f"{name}={found[name]}" for name in lanes.COMPONENTS)


def make():
    """Make the lane, unless the cache has it."""
    kernel, given = os.environ.get("KERNEL"), os.environ.get("MODULES") or "/"
    if not kernel:
        raise Failed("the lane other needs a kernel: "
                     "make check KERNEL=/path/to/bzImage MODULES=/path/it/was/installed/to")
    image = from_host(kernel)
    if not image.is_file():
        raise Failed(f"KERNEL={kernel}: there is no such file; "
                     "it is an arch/x86/boot/bzImage or a /boot/vmlinuz-...")
    if not from_host(given).is_dir():
        raise Failed(f"MODULES={given}: there is no such directory")
    release = release_of(image)
    if not release:
        raise Failed(f"KERNEL={kernel} is no bzImage for x86; "
                     "arch/x86/boot/bzImage of a build directory is one")
    directory = find_modules(kernel, given, release)
    source = from_host(directory)
    files = sorted(file for file in source.rglob("*") if file.is_file())
    seen = [f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in (image, *files)]
    key = parts.digest(*seen, OPTIONS, Path(__file__), Path(modules.__file__))
    if parts.current(LANE, key):
        return
    made = parts.empty(LANE)
    subprocess.run(["cp", image, made / "bzImage"], check=True)
    config = find_config(kernel, directory, release)
    (made / "config").write_text(config)
    if not config:
        step("no configuration of this kernel found: its options cannot be checked before it boots")
    elif missing := list(lacking(config, OPTIONS.read_text())):
        print("\n".join(f"  {line}" for line in missing), file=sys.stderr)
        raise Failed(f"{kernel} lacks the options above; set them, build it again, install its modules")
    step(f"taking the modules of {release} from {directory}")
    take_modules(release, source)
    # the guest boots the lane itself; it is complete only with its stamp
    parts.install(LANE, "not asked yet")
    components = ask(kernel, release)
    (LANE / "components").write_text(components)
    parts.beside(LANE, "stamp").write_text(key)
    step(f"Linux {release}: {components}")

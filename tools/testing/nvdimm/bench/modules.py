# SPDX-License-Identifier: GPL-2.0
"""Takes the modules that guests need out of a distribution's kernel with thousands of modules."""

import re
import shutil
import subprocess
from pathlib import Path

NEEDED = """libnvdimm nd_pmem nd_e820 nd_btt device_dax dax_pmem kmem nfit ext4 xfs loop dm_mod
    dm_log_writes dm_writecache dm_snapshot ramdax erofs virtio_pmem nd_virtio virtio_rng virtio_console
    virtio_pci virtio_blk crc32c_generic hwpoison_inject raid0 9p 9pnet_virtio overlay
    quota_v2 quota_tree xts cts essiv""".split()
COMPRESSED = {".xz": ["xz", "-dc"], ".zst": ["zstd", "-qdc"], ".gz": ["gzip", "-dc"]}
LISTS = ("modules.builtin", "modules.builtin.modinfo", "modules.order")


def take(release, base, to):
    """Copy them and their dependencies from BASE/lib/modules/RELEASE, which depmod has indexed."""
    source, into = (directory / "lib/modules" / release for directory in (base, to / "usr"))
    into.mkdir(parents=True, exist_ok=True)
    modprobe = ["modprobe", "-C", "/dev/null", "-d", base, "--set-version", release, "--show-depends", "-q"]
    files = set()
    for name in NEEDED:
        said = subprocess.run([*modprobe, name], stdout=subprocess.PIPE, text=True, check=False).stdout
        files |= set(re.findall(rf"^insmod \S*/lib/modules/{re.escape(release)}/(\S+)", said, re.MULTILINE))
    for name in sorted(files):
        packed = Path(name).suffix in COMPRESSED
        target = into / (Path(name).with_suffix("") if packed else name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if packed:
            with open(target, "wb") as file:
                subprocess.run([*COMPRESSED[Path(name).suffix], source / name], stdout=file, check=True)
        else:
            shutil.copyfile(source / name, target)
    for name in LISTS:
        if (source / name).exists():
            shutil.copyfile(source / name, into / name)

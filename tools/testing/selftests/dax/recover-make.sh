# SPDX-License-Identifier: GPL-2.0
# Images of power cuts for another kernel: this one makes them, recovers them, and writes down what it found.
# cmdline: memmap=64M!1G memmap=64M!1152M memmap=64M!1280M memmap=64M!1408M memmap=64M!1536M
# cmdline: memmap=64M!1664M memmap=64M!1792M memmap=64M!1920M memmap=64M!2048M memmap=64M!2176M
# cmdline: memmap=64M!2304M norandmaps
# mem: 2560M
# exact: yes
# watch: strict,watch=markers
# crate: persist-crash
# timeout: 120
# shellcheck shell=dash
. ./recover-lib.sh
. ./crash-lib.sh

plan 3
at_end keep_images
load_stack
for n in 0 1 2 3 4 5 6 7 8 9 10; do need_disk pmem$n; done

written() { tar -c -f $NOTES_DISK -C $NOTES .; }

it "ext4: images of power cuts" env KEEP="$EXT4_IMAGES" sh -c ". ./stack.sh; . ./crash-lib.sh; power_cuts ext4 21 120 30"
it "xfs: images of power cuts" env KEEP="$XFS_IMAGES" sh -c ". ./stack.sh; . ./crash-lib.sh; power_cuts xfs 22 120 30"
it "the lists of their files" written
finish

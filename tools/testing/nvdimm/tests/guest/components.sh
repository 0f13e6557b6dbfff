# SPDX-License-Identifier: GPL-2.0
# Of a kernel that somebody else built: does the stack load, and what of it is Rust? Not a test:
# it prints the evidence.
# cmdline: memmap=384M!1G memmap=384M!1472M
# timeout: 60
# shellcheck shell=dash
. ./stack.sh
. ./evidence.sh

load_stack
need_disk pmem0
evidence
unload_stack

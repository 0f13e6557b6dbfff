# SPDX-License-Identifier: GPL-2.0
# For a kernel that was built elsewhere: load the stack and print which components are Rust. The script
# "other" reads the output; this is no test.
# cmdline: memmap=384M!1G memmap=384M!1472M
# timeout: 60
# shellcheck shell=dash
. ./stack.sh
. ./evidence.sh

load_stack
need_disk pmem0
evidence
unload_stack

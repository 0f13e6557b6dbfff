# SPDX-License-Identifier: GPL-2.0
# Print which components of the running kernel are Rust, judging by its symbols.
# The mangled name of a Rust function has the name of its crate; the C files have
# static functions whose names only they use.
# shellcheck shell=dash
#
#	core	built in: crate dax_core, or statics of drivers/dax/super.c
#	fsdax	built in: crate fs_dax, or statics of fs/dax.c
#	pmem	module nd_pmem
#	e820	module nd_e820

RUST_SYMBOLS=/tmp/symbols.rust
C_SYMBOLS=/tmp/symbols.c

# rust_symbols: print the Rust symbols of a component, "builtin CRATE" or "module NAME"
rust_symbols() {
	case "$1" in
	builtin) awk -v crate="${#2}$2" '$4 == "" && index($3, crate) { n++ } END { print n + 0 }' $RUST_SYMBOLS ;;
	module) awk -v mod="[$2]" '$4 == mod { n++ } END { print n + 0 }' $RUST_SYMBOLS ;;
	esac
}

# has_symbol REGEX [MODULE]: look for a C symbol; compilers add suffixes to the names of static functions
has_symbol() { awk -v s="^($1)(\\.|$)" -v m="$2" '$4 == m && $3 ~ s { f = 1 } END { exit !f }' $C_SYMBOLS; }

# part NAME KIND CRATE-OR-MODULE C-SYMBOLS: set PART to rust, c, both or absent
part() {
	_n=$(rust_symbols "$2" "$3")
	_mod=; [ "$2" = module ] && _mod="[$3]"
	_c=no; has_symbol "$4" "$_mod" && _c=yes
	case "$((_n > 0)) $_c" in
	"1 no")	PART=rust; _why="$_n Rust symbols of $3, none of C's" ;;
	"1 yes") PART=both; _why="$_n Rust symbols of $3, but C's as well" ;;
	"0 yes") PART=c; _why="C's static symbols, no Rust symbol of $3" ;;
	*)	PART=absent; _why="neither Rust symbols of $3 nor C's" ;;
	esac
	printf 'evidence: %-5s %-6s (%s)\n' "$1" "$PART" "$_why"
}

evidence() {
	echo "evidence: kernel $(uname -r), from /proc/kallsyms"
	# read the file once: the kernel generates its tens of thousands of lines at each read
	grep -F -e ' _R' -e dax_ -e pmem_ -e e820_ /proc/kallsyms >/tmp/symbols
	grep -F ' _R' /tmp/symbols >$RUST_SYMBOLS
	grep -vF ' _R' /tmp/symbols >$C_SYMBOLS
	part core builtin dax_core 'dax_hosts|dax_sops|dax_destroy_inode|dax_free_inode'
	part fsdax builtin fs_dax 'dax_insert_entry|dax_fault_iter|dax_unlock_entry|dax_iomap_copy_around'
	part pmem module nd_pmem 'nd_pmem_probe|pmem_attach_disk'
	part e820 module nd_e820 'e820_pmem_probe|e820_register_one'
}

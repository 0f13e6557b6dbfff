# SPDX-License-Identifier: GPL-2.0
# The kernel's own selftests of mm on a DAX filesystem. mm-baseline has the results of their subtests on
# DAX in C; selftests/record writes that file.
# shellcheck shell=dash
#
#	. ./ktap.sh
#	. ./mm-lib.sh
#	it "ext4: cow" selftest ext4 cow
#
# A line of mm-baseline is "FSTYPE PROGRAM NUMBER subtests" or "FSTYPE PROGRAM NUMBER RESULT: NAME"
# for subtests that do not pass there.

SELFTESTS=$PWD/../mm

# Run the command so that its files are on DAX: some tests use the working directory, and some use /tmp
# and ignore TMPDIR.
on_dax() { # FSTYPE COMMAND...
	_dir=$MNT/$1
	shift
	unshare -m sh -c 'mount --bind "$0" /tmp && cd /tmp && exec "$@"' "$_dir" "$@"
}

run_program() { # FSTYPE PROGRAM
	case $2 in
	gup_test) gup_matrix "$1" ;;
	khugepaged) on_dax "$1" $SELFTESTS/khugepaged all:file "$MNT/$1" ;;
	split_huge_page_test) on_dax "$1" "$SELFTESTS/$2" "$MNT/$1" ;;
	*) on_dax "$1" "$SELFTESTS/$2" ;;
	esac
}

# Run gup_test in every way to get pages of a mapping: fast, slow, pinned, long-term; for writing or
# reading; shared or private; one page, a part of 2 MiB, all 2 MiB.
gup_matrix() { # FSTYPE
	truncate -s 8M "$MNT/$1/gup"
	for _how in -u -U -a -b -L -c; do
		for _write in -w -W; do
			for _share in -S ''; do
				for _pages in 1 123 512 -1; do
					echo "# arguments: $_how $_write $_share -n $_pages"
					on_dax "$1" $SELFTESTS/gup_test -m 8 -f gup $_how $_write $_share -n $_pages
				done
			done
		done
	done
}

# subtests: read the output of a program, and print a line "RESULT NAME" for each subtest. If gup_test
# passes but got fewer pages than it asked for, the result is "short". Subtests of anonymous memory on
# swap are left out, because the guest has no swap.
subtests() {
	awk '
	/^# arguments: / { arguments = " " substr($0, 14) }
	/[Tt]runcated \(size/ { truncated = 1 }
	/^(not )?ok [0-9]+/ && !/swapped[- ]out/ {
		result = /^not / ? "fail" : truncated ? "short" : "pass"
		truncated = 0
		sub(/^(not )?ok [0-9]+ *(- )?/, "")
		if (match($0, /# (SKIP|XFAIL)/)) {
			result = tolower(substr($0, RSTART + 2, RLENGTH - 2))
			# the name is after the directive or before it
			$0 = RSTART == 1 ? substr($0, RLENGTH + 1) : substr($0, 1, RSTART - 1)
		}
		sub(/^ +/, ""); sub(/ +$/, "")
		print result, $0 arguments
	}'
}

# numbers FSTYPE PROGRAM: count equal lines of subtests, and print the counts in the format of mm-baseline
numbers() {
	LC_ALL=C sort | uniq -c | awk -v key="$1 $2" '
		{ all += $1; number = $1; result = $2; sub(/^ *[0-9]+ [a-z]+ /, "") }
		result != "pass" { print key, number, result ": " $0 }
		END { print key, all + 0, "subtests" }'
}

# judge NUMBERS: every subtest of mm-baseline ran, and no more fail than with C
judge() {
	awk '
	{ key = $1 " " $2; number = $3; $1 = $2 = $3 = ""; key = key $0 }
	FILENAME == "mm-baseline" { recorded[key] = number; next }
	/ subtests$/ ? number != recorded[key] : number > recorded[key] {
		print number, "instead of", recorded[key] + 0, key
		bad = 1
	}
	END { exit bad }' mm-baseline "$1"
}

selftest() { # FSTYPE PROGRAM
	[ -e /sys/kernel/debug/gup_test ] ||
		skip "mm-baseline is for the guest kernel's configuration; this kernel lacks CONFIG_GUP_TEST"
	run_program "$1" "$2" >/tmp/mm-log 2>&1 || :
	subtests </tmp/mm-log | numbers "$1" "$2" >/tmp/mm-numbers
	cat /tmp/mm-numbers >>/tmp/mm-record
	judge /tmp/mm-numbers || {
		tail -n 30 /tmp/mm-log
		fail "the results differ from those of C in mm-baseline"
	}
}

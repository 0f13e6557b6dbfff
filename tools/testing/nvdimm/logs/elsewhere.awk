# SPDX-License-Identifier: GPL-2.0
#
# A kernel log without the reports of KCSAN that are about other code:
#
#	awk -f elsewhere.awk -v functions=FILE [-v elsewhere=FILE] LOG
#
# functions: the names of this tree's functions, one a line. elsewhere: where to append the titles of
# the reports that were left out.
#
# A report has the stacks of two accesses. It is about this tree if one of the two was made by a
# function of it, or by a function that such a one has called: a structure of the kernel, an XArray
# for example, that is used without its lock. What is deeper belongs to who was called, a filesystem
# that is asked for blocks for example, and would race without this tree too.

BEGIN {
	while ((getline name <functions) > 0)
		ours[name] = 1
}

# the text of the line without the time that the kernel puts before it
{
	text = $0
	sub(/^\[ *[0-9]+\.[0-9]+\](\[[^]]*\])? ?/, "", text)
}

function begin() {
	held = $0
	lines = 1
	about_us = 0
	title = ""
	depth = 99
}

function end() {
	if (title == "" || about_us)
		print held
	else if (elsewhere != "")
		print title >>elsewhere
	lines = 0
}

text ~ /^=+$/ && !lines {
	begin()
	next
}

!lines {
	print
	next
}

{ held = held "\n" $0 }

++lines == 2 && text !~ /^BUG: KCSAN: / {
	end()
	next
}

lines == 2 { title = text }

text ~ /^=+$/ {
	end()
	next
}

/ by (task|interrupt) ?[0-9]* ?on cpu / { depth = 0 }

text ~ /^ [A-Za-z_.$][A-Za-z0-9_.$]*\+0x/ {
	name = text
	sub(/^ /, "", name)
	sub(/\+0x.*/, "", name)
	if (++depth <= 2 && name in ours)
		about_us = 1
}

# a log that ends in the middle of a report
END {
	if (lines)
		print held
}

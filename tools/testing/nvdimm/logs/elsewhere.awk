# SPDX-License-Identifier: GPL-2.0
#
# Remove the reports of KCSAN that are about other code from a kernel log:
#
#	awk -f elsewhere.awk -v functions=FILE [-v elsewhere=FILE] LOG
#
# functions: a file with the names of this tree's functions, one a line. elsewhere: a file to which
# the titles of the removed reports are appended.
#
# A report has the stacks of two accesses. It is about this tree if a function of this tree made one of
# the accesses, or directly called the function that did: this tree may have used a structure of the
# kernel, such as an XArray, without its lock. An access further down the stack belongs to the called
# subsystem, such as a filesystem that looks up blocks, and would race without this tree too.

BEGIN {
	while ((getline name <functions) > 0)
		ours[name] = 1
}

# text: the line without the kernel's time stamp
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

# The log may end in the middle of a report: keep that part.
END {
	if (lines)
		print held
}

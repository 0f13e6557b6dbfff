# SPDX-License-Identifier: GPL-2.0
#
# awk -f count.awk -v form=table|ktap|update RATIOS SECOND FIRST: compare two reports of the checker,
# and their ratios with the expected ones. Fields of a report's line "cost": name, instructions, lines
# stored, streamed (movnti), written back (clwb), written back redundantly, fences. Fields of a line of
# RATIOS: ratio, name. The exit status is 1 if an operation costs too much.

function problem(name, ratio, now) {
	if (!(name in theirs))
		return "counted in lane " first " only"
	if (now > 1.02)
		return "more than 1.02"
	for (n in names)
		if (mine[name, n] > other[name, n])
			return "more " names[n] " than in lane " second
	if (!expects)
		return ""
	if (ratio == "")
		return "no ratio is expected; UPDATE=1 adds it"
	if (now > ratio * 1.01)
		return "it was " ratio "; if that is meant, UPDATE=1 and say why in the commit"
	return ""
}

# remark(ratio, now): a text about a ratio that fell, which is no error
function remark(ratio, now) {
	return expects && ratio != "" && now < ratio * 0.99 ? "it was " ratio "; UPDATE=1 makes it the new one" : ""
}

function hardware(name) {
	return sprintf("%d %d %d", mine[name, 4], mine[name, 5], mine[name, 7])
}

BEGIN {
	names[4] = "movnti"
	names[5] = "clwb"
	names[7] = "fences"
}
FILENAME == ARGV[1] {
	if ($0 !~ /^#/) {
		expects = 1
		expected[$2] = $1
	}
	next
}
$1 != "cost" { next }
FILENAME == ARGV[2] {
	theirs[$2] = $3
	for (n in names) other[$2, n] = $(n + 1)
	next
}
{
	order[++count] = $2
	instructions[$2] = $3
	for (n in names) mine[$2, n] = $(n + 1)
}
END {
	if (form == "update") {
		print "# Instructions of the stack in Rust, divided by those of the one in C: expected by \"make count\","
		print "# which UPDATE=1 lets write this file."
	} else if (form == "ktap") {
		print "KTAP version 1\n1.." count + 1
	} else {
		printf "%-36s %12s %12s %7s  %6s %6s %6s\n", "median of each operation", first, second, "ratio", \
			"movnti", "clwb", "fences"
	}
	for (i = 1; i <= count; i++) {
		name = order[i]
		now = name in theirs ? instructions[name] / theirs[name] : 0
		wrong = problem(name, expected[name], now)
		bad += wrong != ""
		text = wrong != "" ? wrong : remark(expected[name], now)
		delete expected[name]
		if (form == "update") {
			printf "%.4f\t%s\n", now, name
		} else if (form == "ktap") {
			printf "# %d and %d instructions, ratio %.4f; movnti, clwb, fences: %s%s\n", instructions[name], \
				theirs[name], now, hardware(name), text ? "; " text : ""
			printf "%sok %d %s\n", wrong != "" ? "not " : "", i, name
		} else {
			split(hardware(name), ops, " ")
			printf "%-36s %12d %12d %7.4f  %6d %6d %6d%s\n", name, instructions[name], theirs[name], now, \
				ops[1], ops[2], ops[3], text ? "  " (wrong != "" ? "FAILED: " : "") text : ""
		}
	}
	for (name in expected)
		if (expected[name] != "") {
			gone++
			print (form == "ktap" ? "# " : "") name ": expected, but not counted any more; UPDATE=1 removes it" >"/dev/stderr"
		}
	if (form == "update")
		exit 0
	if (form == "ktap")
		printf "%sok %d every operation that is expected was counted\n", gone || !count ? "not " : "", count + 1
	else
		print bad + gone " of " count " operations cost too much, or are not there"
	exit bad + gone > 0 || !count
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154 # the caller sets them
#
# Plan a check: which tasks it runs. The script check sources this file and sets $pattern (of the tests'
# names), $asked (the lanes of the command line), $tier, $LANES, $guests (the scripts' directory) and
# $out.

wanted() {
	[ -z "$pattern" ] || printf '%s\n' "$1" | grep -qE -- "$pattern"
}

# is_asked LANE: succeed if the command line names this lane, or none
is_asked() {
	case " ${asked:-$1} " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

# Write $out/plan/headers. Fields of a line: script, boot, last ("yes" or "no"), timeout, tier, the
# variable that it needs ("-": none), the only lane that it runs in ("-": no such limit), more lanes.
read_headers() {
	# shellcheck disable=SC2046 # words
	(cd "$guests" && awk '
		function flush() {
			if (script == "") return
			boot = value["boot"]
			if (boot == "") { boot = script; sub(/\.sh$/, "", boot) }
			print script, boot, value["last"] == "yes" ? "yes" : "no",
				value["timeout"] ? value["timeout"] : 120,
				value["tier"] ? value["tier"] : "default",
				value["needs"] ? value["needs"] : "-",
				value["only"] ? value["only"] : "-", value["lanes"]
		}
		FNR == 1 { flush(); script = FILENAME; comment = 1; split("", value) }
		!/^#/ { comment = 0 }
		comment && match($0, /^# [a-z]+: /) {
			key = substr($0, 3, RLENGTH - 4)
			if (!(key in value)) value[key] = substr($0, RLENGTH + 1)
		}
		END { flush() }' $(grep -lE '^\. (\./)?ktap\.sh' *.sh | grep -v -e '-lib\.sh$' | sort)) >"$out/plan/headers"
}

# in_tier LANE: print the scripts that the tier runs in that lane. A script that needs an environment
# variable runs if the caller sets it. A pattern finds scripts of both tiers. A script with "# only:"
# runs in that lane alone. The lane lossy runs only such scripts: there, every other script that
# expects fsync() to work would fail.
in_tier() {
	while read -r script _boot _last _seconds its needs only lanes; do
		case $1,$only in
		"$only,$1") ;;
		lossy,* | *,[!-]*) continue ;;
		esac
		if [ "$needs" != - ]; then
			[ -n "$(printenv "$needs")" ] || continue
		elif [ "$tier$its" = defaultfull ]; then
			[ -n "$pattern" ] && [ -z "${TIER:-}" ] || continue
		fi
		case $tier," integrated $asked $lanes $only " in
		full,* | *" $1 "* | *" all "*) echo "$script" ;;
		esac
	done <"$out/plan/headers"
}

# chosen LANE: print the scripts to run in that lane
chosen() {
	in_tier "$1" | sed "s,^,$1/,; s,\.sh\$,," | grep -E -- "$pattern" | sed 's,.*/,,; s,$,.sh,'
}

# has_kunit LANE: succeed if the lane builds the KUnit suites, that is, if all components are in Rust
has_kunit() {
	[ "$1" != other ] && [ "$1" != lossy ] && [ "$(lane_components "$1")" = 'core=rust fsdax=rust pmem=rust e820=rust' ]
}

# usual NAME SECONDS: print how long the task took in its last run, or else SECONDS
usual() {
	awk -v name="$1" -v otherwise="$2" '$1 == name { otherwise = $2 } END { print otherwise }' \
		"$cache/durations" 2>/dev/null || echo "$2"
}

# add NAME SECONDS: add a task for the workers; SECONDS is the estimate if it never ran
add() {
	echo "$(usual "$1" "$2") $1" >>"$out/plan/tasks"
}

# Plan the tests of the tree itself, which belong to no lane. If the command line names lanes but no
# pattern, these are left out.
plan_tree() {
	[ -z "${KERNEL:-}" ] || return 0
	[ -z "$asked" ] || [ -n "$pattern" ] || return 0
	for name in $("$here/lint" list | sed 's,^,lint/,') tree/integrate $("$here/host" list | sed 's,^,host/,'); do
		! wanted "$name" || add "$name" 30
	done
}

# slowness LANE: print how many times slower a script is in the lane than in integrated
slowness() {
	case $1 in
	debug) echo 10 ;;
	kcsan) echo 2 ;;
	*) echo 1 ;;
	esac
}

# Plan the kernels that recover images of another. They are of the full tier.
plan_recoverers() {
	[ "$tier" = full ] || { [ -n "$pattern" ] && [ -z "${TIER:-}" ]; } || return 0
	[ -z "${KERNEL:-}" ] && is_asked integrated || return 0
	for _other in $RECOVERERS; do
		! wanted "recover/$_other" || add "recover/$_other" 90
	done
}

# plan_guests LANE: plan the guests of a lane. Scripts with the same "boot" share a guest; those with
# "last" come last in it. A line of $out/plan/groups-LANE is a script of a boot. The estimate for a
# script that never ran in the lane comes from the lane integrated, or else from a third of its timeout.
plan_guests() {
	_chosen=$(chosen "$1")
	# every boot that loads the modules logs the KUnit suites
	if has_kunit "$1" && wanted "kunit/$1"; then
		echo "kunit/$1" >>"$out/plan/kunit"
		: "${_chosen:=which.sh}"
	fi
	awk -v chosen=" $(echo $_chosen) " 'index(chosen, " " $1 " ") { print $2, $3, $1, $4 }' \
		"$out/plan/headers" >"$out/plan/groups-$1"
	awk -v lane="$1" -v slowness="$(slowness "$1")" -v durations="$cache/durations" '
		BEGIN { while ((getline line <durations) > 0) { split(line, word, " "); took[word[1]] = word[2] } }
		function seconds(script, timeout) {
			sub(/\.sh$/, "", script)
			if (lane "/" script in took) return took[lane "/" script]
			return slowness * ("integrated/" script in took ? took["integrated/" script] : timeout / 3)
		}
		{ sum[$1] += seconds($3, $4) }
		END { for (boot in sum) print int(15 + sum[boot]), "boot/" lane "/" boot }' \
		"$out/plan/groups-$1" >>"$out/plan/tasks"
}

# boot_scripts LANE BOOT: print the scripts of the boot in their order
boot_scripts() {
	awk -v b="$2" '$1 == b' "$out/plan/groups-$1" | sort -k2,2 -k3,3 | cut -d' ' -f3
}

# Write $out/plan/tasks, the tasks of the workers, the longest first, and $out/plan/kunit, the KUnit
# suites that the logs of the boots contain.
plan() {
	: >"$out/plan/tasks"
	: >"$out/plan/kunit"
	read_headers
	plan_tree
	for lane in $LANES; do
		plan_guests "$lane"
	done
	for lane in integrated stock; do
		# in the default tier other guests run the modules of the stock lane
		[ "$lane$tier$pattern$asked" != stockdefault ] || continue
		! wanted "demo/$lane" || ! is_asked "$lane" || [ -n "${KERNEL:-}" ] || add "demo/$lane" 150
	done
	! wanted count/integrated || ! is_asked integrated || [ -n "${KERNEL:-}" ] || add count/integrated 60
	plan_recoverers
	sort -rn "$out/plan/tasks" -o "$out/plan/tasks"
}

# planned: print the names of the planned tests
planned() {
	grep -o '[^ ]*$' "$out/plan/tasks" | grep -v '^boot/' || :
	cat "$out/plan/kunit"
	for lane in $LANES; do
		awk -v lane="$lane" '{ sub(/\.sh$/, "", $3); print lane "/" $3 }' "$out/plan/groups-$lane" | sort
	done
}

# time_left: print the seconds until the workers have done the remaining tasks, judging by earlier runs
time_left() {
	awk -v now="$(date +%s)" -v workers="$workers" -v out="$out" '
		{
			name = $2; gsub("/", ":", name)
			file = out "/plan/ended/" name
			if ((getline line <file) > 0) next
			file = out "/plan/begun/" name
			left = $1
			if ((getline begun <file) > 0) left -= now - begun
			if (left < 0) left = 0
			sum += left
			if (left > longest) longest = left
		}
		END { each = sum / workers; print int(each > longest ? each : longest) }' "$out/plan/tasks"
}

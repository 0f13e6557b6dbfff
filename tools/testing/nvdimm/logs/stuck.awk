# SPDX-License-Identifier: GPL-2.0
#
# Of the tasks in the kernel log of a panic with panic_sys_info=tasks those that run, or wait for
# what no signal ends, with their stacks; a frame that the unwinder is not sure of is left out.

/ task:.* state:/ {
	shown = / state:[DR]/
	some += shown
}

# The stacks of the CPUs stand elsewhere in the log.
/Sending NMI|NMI backtrace/ { shown = 0 }

shown && (/ task:/ || /\]  [^ ]+\+0x/)

END {
	if (!some)
		print "every task sleeps"
}

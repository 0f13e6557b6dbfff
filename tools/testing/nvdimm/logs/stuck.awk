# SPDX-License-Identifier: GPL-2.0
#
# Print the stuck tasks of the kernel log of a panic with panic_sys_info=tasks, with their stacks: tasks
# that run or sleep uninterruptibly. Frames that the unwinder marks as unreliable are left out.

/ task:.* state:/ {
	shown = / state:[DR]/
	some += shown
}

# The backtraces of the CPUs follow; they belong to no task.
/Sending NMI|NMI backtrace/ { shown = 0 }

shown && (/ task:/ || /\]  [^ ]+\+0x/)

END {
	if (!some)
		print "every task sleeps"
}

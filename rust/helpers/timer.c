// SPDX-License-Identifier: GPL-2.0

#include <linux/sched.h>
#include <linux/timer.h>

#ifdef EXT_FS_DAX

/* C because: a macro initialises timers on the stack. */
struct rust_ext_alarm {
	struct timer_list timer;
	struct task_struct *task;
};

static void rust_ext_alarm_rings(struct timer_list *timer)
{
	struct rust_ext_alarm *alarm = timer_container_of(alarm, timer, timer);

	wake_up_process(alarm->task);
}

__rust_helper void rust_ext_helper_call_with_alarm(void (*f)(void *arg),
						   void *arg,
						   unsigned long timeout)
{
	struct rust_ext_alarm alarm = { .task = current };

	timer_setup_on_stack(&alarm.timer, rust_ext_alarm_rings, 0);
	mod_timer(&alarm.timer, jiffies + timeout);
	f(arg);
	timer_delete_sync(&alarm.timer);
	timer_destroy_on_stack(&alarm.timer);
}

#endif
